# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.modules import image_info

LABELS = {"org.opencontainers.image.version": "1.0", "org.opencontainers.image.revision": "c" * 40, "other": "x"}


@pytest.fixture
def captured(deployment: Any, operator: Any, build: Any) -> Any:
    """v0.9.0 and v1.0.0 captured; v1.0.0 runs."""
    deployment.world.add_image("v1.0.0", "shop:v1.0.0", labels=LABELS)
    operator.capture("v1.0.0")
    deployment.world.calls.clear()
    return deployment


def _images(deployment: Any) -> list[dict[str, Any]]:
    return list(image_info.act(deployment.context())["images"])


def test_every_tag_is_listed_with_its_image_and_the_points_that_name_it(captured: Any, build: Any) -> None:
    old, new = captured.context().store.ids()
    found = [(each["service"], each["tag"], each["restore_points"], each["running"]) for each in _images(captured)]
    mine = [
        (old, [old], False),
        ("previous", [old], False),
        ("v0.9", [old], False),
        ("v0.9.0", [old], False),
        ("v1.0", [new], True),
        ("v1.0.0", [new], True),
        (new, [new], True),
    ]
    assert sorted(found) == sorted((service, *each) for service in ("api", "web") for each in mine)


def test_what_an_image_is_and_says_of_itself_is_told(captured: Any, build: Any) -> None:
    (entry,) = [each for each in _images(captured) if each["name"] == "tiered-rollback/shop/web:v1.0.0"]
    keys = ("image_id", "size", "created", "labels", "digests")
    labels = {"version": "1.0", "revision": "c" * 40}
    assert tuple(entry[key] for key in keys) == (build.image_id("v1.0.0"), 100, "", labels, [])


def test_names_of_others_are_not_listed(captured: Any, build: Any) -> None:
    before = _images(captured)
    captured.world.tags["tiered-rollback/shop-staging/web:v1.0.0"] = build.image_id("v1.0.0")
    captured.world.tags["web:v1.0.0"] = build.image_id("v1.0.0")
    assert _images(captured) == before


def test_a_tag_that_no_point_names_shows_as_such(captured: Any, build: Any) -> None:
    captured.world.add_image("lost", "tiered-rollback/shop/web:lost")
    (entry,) = [each for each in _images(captured) if each["tag"] == "lost"]
    assert (entry["restore_points"], entry["running"]) == ([], False)


def test_an_image_that_is_removed_meanwhile_is_left_out(captured: Any, build: Any) -> None:
    del captured.world.images[build.image_id("v0.9.0")]
    assert {each["image_id"] for each in _images(captured)} == {build.image_id("v1.0.0")}


def test_looking_changes_nothing_and_before_the_first_capture_there_is_nothing_to_see(deployment: Any) -> None:
    before = deployment.trees()
    assert image_info.act(deployment.context()) == {"changed": False, "images": []}
    assert (deployment.trees(), deployment.world.calls) == (before, [])
