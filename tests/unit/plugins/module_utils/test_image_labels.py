# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils import _image_labels
from ansible_collections.tiered.rollback.plugins.module_utils._container import Image

_ALL = {"created": "2026-11-20T10:00:00Z", "revision": "c" * 40, "version": "1.0"}


def _image(name: str = "a", **labels: str) -> Image:
    found = {f"org.opencontainers.image.{key}": value for key, value in labels.items()}
    return Image(id=name, tags=(), digests=(), size=1, created="", labels={**found, "maintainer": "olga"})


def test_what_an_image_says_of_its_making_is_read() -> None:
    assert _image_labels.of(_image(**_ALL)) == _ALL
    assert _image_labels.of(_image(version="", revision="c")) == {"revision": "c"}


def test_an_image_that_says_all_gives_no_remark() -> None:
    assert _image_labels.remarks({"web": _image(**_ALL)}, "v1") == []


def test_an_image_that_lacks_labels_gives_one_remark_that_says_how_it_gets_them() -> None:
    images = {"web": _image(version="1.0"), "api": _image(version="1.0"), "db": _image("b", **_ALL)}
    (remark,) = _image_labels.remarks(images, "v1.0.5")
    assert remark.startswith("The image of api, web ")
    assert remark.endswith(
        'docker build --label org.opencontainers.image.created="$(date -u +%Y-%m-%dT%H:%M:%SZ)"'
        ' --label org.opencontainers.image.revision="$(git rev-parse HEAD)"'
    )


def test_the_version_to_write_is_the_one_that_is_captured() -> None:
    (remark,) = _image_labels.remarks({"web": _image()}, "v1.0.5")
    assert remark.endswith("--label org.opencontainers.image.version=v1.0.5")


def test_the_labels_of_a_build_are_those_that_are_read() -> None:
    labels = _image_labels.stamp("2026-11-20T10:00:00Z", None, "v1")
    assert labels == {
        "org.opencontainers.image.created": "2026-11-20T10:00:00Z",
        "org.opencontainers.image.version": "v1",
    }
