#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List the images that restore points keep
version_added: 1.0.0
description:
  - Lists every image tag of this stack's own, C(tiered-rollback/STACK/SERVICE:TAG), with its image's id, date, size and
    labels, whether the service runs it now, and which restore points name it. Changes nothing.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: See which images there are to go back to
  tiered.rollback.image_info:
    stack: "{{ rollback_stack }}"
  register: images
"""

RETURN = r"""
images:
  description: One entry per tag, by service, newest image first.
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: The service it is kept for., type: str}
    name: {description: The full name., type: str}
    tag:
      description: A version, its C(major.minor), a short git commit, V(previous), or the id of a restore point.
      type: str
    image_id: {description: The image's content address., type: str}
    created: {description: When it was built; UTC in ISO 8601., type: str}
    size: {description: Bytes of the image., type: int}
    digests: {description: Names by which registries know it., type: list, elements: str}
    labels:
      description: What it says of itself by C(org.opencontainers.image.*), as C(created), C(revision) and C(version).
      type: dict
    running: {description: Whether a container of the service runs it now., type: bool}
    restore_points:
      description: Ids of the points that name it for the service, newest first.
      type: list
      elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _image_labels, _image_tags
from ansible_collections.tiered.rollback.plugins.module_utils._container import Image
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context


def act(ctx: Context) -> dict[str, Any]:
    """List the stack's image tags."""
    project = ctx.compose.render()["name"]
    points = list(ctx.store.points())[::-1]
    running = {(each.service.lower(), each.image_id) for each in ctx.engine.containers(project) if each.running}
    ours = f"{_image_tags.prefix(ctx.stack.name)}/"
    tags = {name: image_id for name, image_id in ctx.engine.tags().items() if name.startswith(ours)}
    images = {image_id: ctx.engine.image(image_id) for image_id in set(tags.values())}
    listed = []
    for name, image_id in sorted(tags.items()):
        service, _colon, tag = name.removeprefix(ours).partition(":")
        if image := images[image_id]:
            listed.append(
                {
                    "service": service,
                    "name": name,
                    "tag": tag,
                    **_describe(image),
                    "running": (service, image_id) in running,
                    "restore_points": [
                        point.id
                        for point in points
                        if any(key.lower() == service and p.image_id == image_id for key, p in point.services.items())
                    ],
                }
            )
    # Sorting keeps the order of equals.
    listed.sort(key=lambda each: str(each["created"]), reverse=True)
    listed.sort(key=lambda each: str(each["service"]))
    return {"changed": False, "images": listed}


def _describe(image: Image) -> Mapping[str, Any]:
    return {
        "image_id": image.id,
        "created": image.created,
        "size": image.size,
        "digests": list(image.digests),
        "labels": _image_labels.of(image),
    }


def main() -> None:
    """Run the module."""
    _context.main(act, _context.STACK_OPTIONS)


if __name__ == "__main__":
    main()
