# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _release_images
from ansible_collections.tiered.rollback.plugins.module_utils._container import Image
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


class _Engine:
    def __init__(self, *names: str) -> None:
        self.names = names

    def image(self, name: str) -> Image | None:
        if name not in self.names:
            return None
        return Image(id=f"id of {name}", tags=(), digests=("d",), size=1, created="", labels={})

    def pull(self, reference: str) -> None:
        raise RollbackError("connection refused")


def _find(build: Any, entry: dict[str, Any], *here: str, how: str = "auto", source: str = "retag", **part: Any) -> Any:
    stack = build.stack(services={"web": {"release": how}})
    present = {"web": build.service_part(**part)} if part.get("image", "") is not None else {}
    definition = {"services": {"web": entry}}
    engine: Any = _Engine(*here)
    return _release_images.find(stack, engine, build.observed(), present, definition, "v1.1.0", source)["web"]


def test_what_has_a_build_section_is_built_unless_told_otherwise(build: Any) -> None:
    entry = {"image": "shop:production", "build": {"context": "/opt/shop"}}
    assert _find(build, entry).how == "build"
    kept = _find(build, entry, how="keep")
    assert (kept.how, kept.image_id) == ("here", build.image_id("v1"))
    assert _find(build, entry, how="pull").reference == "shop:v1.1.0"
    with pytest.raises(RollbackError, match="service web is to be built, and the Compose file has no 'build'"):
        _find(build, {"image": "shop:production"}, how="build")


def test_services_that_are_built_alike_share_an_image(build: Any) -> None:
    one, two = {"build": {"context": "/a", "args": {"x": 1}}}, {"build": {"args": {"x": 1}, "context": "/a"}}
    assert _find(build, one).built_as == _find(build, two).built_as
    assert _find(build, one).image == "shop-web"


@pytest.mark.parametrize("here", ["shop:v1.1.0", "shop:1.1.0"])
def test_behind_a_name_that_tells_nothing_the_version_is_looked_for(build: Any, here: str) -> None:
    found = _find(build, {"image": "shop:production"}, here)
    assert (found.how, found.reference, found.image_id) == ("here", here, f"id of {here}")


def test_a_service_without_an_image_of_the_version_stays_as_it_is(build: Any) -> None:
    found = _find(build, {"image": "shop:production"})
    assert (found.how, found.image_id) == ("here", build.image_id("v1"))


def test_a_name_that_changed_is_taken_where_it_is_and_pulled_where_not(build: Any) -> None:
    entry = {"image": "shop:v1.1.0"}
    assert _find(build, entry, "shop:v1.1.0", source="variable").how == "here"
    assert _find(build, entry, source="variable") == _release_images.Origin(
        how="pull", image="shop:v1.1.0", reference="shop:v1.1.0"
    )
    same = _find(build, {"image": "shop:production"}, "shop:production", source="variable")
    assert same.image_id == build.image_id("v1"), "what runs, whatever the tag points to by now"
    assert _find(build, {"image": "new:1"}, "new:1").image_id == "id of new:1"


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("shop", ["shop:v1.1.0", "shop:1.1.0"]),
        ("r.example:5000/a/shop:production", ["r.example:5000/a/shop:v1.1.0", "r.example:5000/a/shop:1.1.0"]),
        ("shop@sha256:0", []),
    ],
)
def test_names_of_a_version(image: str, names: list[str]) -> None:
    assert _release_images.versioned(image, "v1.1.0") == names


def test_a_pull_that_fails_says_that_nothing_was_touched() -> None:
    engine: Any = _Engine()
    with pytest.raises(RollbackError, match=r"shop:1 cannot be pulled: connection refused") as caught:
        _release_images.pull(engine, "shop:1")
    assert "Nothing that runs was touched" in caught.value.hint
