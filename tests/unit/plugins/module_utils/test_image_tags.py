# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _image_tags, _names
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import GitPart, RestorePoint
from hypothesis import given
from hypothesis import strategies as st

#: What the engine takes as a tag.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def _point(build: Any, version: str, image: str = "", **changes: Any) -> RestorePoint:
    part = build.service_part(image_id=image or version)
    made: RestorePoint = build.point(version, services={"web": part}, **changes)
    return made


def _tags(*points: RestorePoint) -> dict[str, str]:
    return _image_tags.of_versions(points)["web"]


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("v1.0.5", {"v1.0.5", "v1.0"}),
        ("1.0.5", {"1.0.5", "1.0"}),
        ("12.30.45+build.7", {"12.30.45_build.7", "12.30"}),
        # v1.0 is what was released last.
        ("v1.0.5-rc.1", {"v1.0.5-rc.1"}),
        ("v1.0", {"v1.0"}),
        ("1", {"1"}),
        ("1.2.3.4", {"1.2.3.4"}),
        ("release-2026-11", {"release-2026-11"}),
        ("a+b", {"a_b"}),
    ],
)
def test_a_version_is_known_by_its_name_and_a_release_by_its_line_too(
    build: Any, version: str, wanted: set[str]
) -> None:
    assert _tags(_point(build, version)) == dict.fromkeys(wanted, version)


def test_the_commit_is_a_name_where_there_is_one(build: Any) -> None:
    git = GitPart(commit="0123456789abcdef" * 2 + "01234567", tag=None, clean=True)
    assert _tags(_point(build, "one", git=git)) == {"one": "one", "0123456": "one"}


def test_previous_is_the_version_deployed_before_the_newest(build: Any) -> None:
    one, two, again = _point(build, "one"), _point(build, "two"), _point(build, "two", "two-b", id="again")
    assert "previous" not in _tags(one)
    assert _tags(one, two)["previous"] == "one"
    assert _tags(one, two, again) == {"one": "one", "two": "two-b", "previous": "one"}
    assert _tags(one, two, _point(build, "one", "one-b", id="back"))["previous"] == "two"


def test_a_line_is_what_was_deployed_of_it_last(build: Any) -> None:
    points = [_point(build, version) for version in ("v1.0.1", "v1.1.0", "v1.0.2")]
    tags = _tags(*points)
    assert (tags["v1.0"], tags["v1.1"]) == ("v1.0.2", "v1.1.0")
    assert _tags(*points[:2])["v1.0"] == "v1.0.1"


def test_what_is_built_again_takes_its_versions_names_and_is_no_later_deployment(build: Any) -> None:
    old, new = _point(build, "v1.0.1"), _point(build, "v1.0.2")
    rebuilt = _point(build, "v1.0.1", "rebuilt", id="v1.0.1-rebuilt", rebuilt_from=old.id)
    tags = _tags(old, new, rebuilt)
    assert tags == {"v1.0.1": "rebuilt", "v1.0.2": "v1.0.2", "v1.0": "v1.0.2", "previous": "rebuilt"}
    # Retention may leave nothing but the one that was built again.
    assert _tags(new, rebuilt)["previous"] == "rebuilt"


def test_states_before_runs_are_no_versions(build: Any) -> None:
    assert _image_tags.of_versions([_point(build, "one", kind="before")]) == {}
    assert "previous" not in _tags(_point(build, "two", kind="before"), _point(build, "one"))


def test_a_version_that_is_called_as_anothers_line_keeps_its_name(build: Any) -> None:
    assert _tags(_point(build, "v1.0"), _point(build, "v1.0.5"))["v1.0"] == "v1.0"


def test_the_name_that_keeps_a_points_image_is_never_moved(build: Any) -> None:
    one = _point(build, "one")
    assert one.id not in _tags(one, _point(build, one.id, id="other"))


def test_each_service_has_names_of_its_own_that_the_engine_takes(build: Any) -> None:
    parts = {"WebUI": build.service_part(image_id="a"), "db": build.service_part(image_id="b")}
    point = build.point("1.0.5+b", services=parts)
    assert _image_tags.names("shop", [point]) == {
        "tiered-rollback/shop/webui:1.0.5_b": "a",
        "tiered-rollback/shop/webui:1.0": "a",
        "tiered-rollback/shop/db:1.0.5_b": "b",
        "tiered-rollback/shop/db:1.0": "b",
    }
    assert _image_tags.of_point(point)["WebUI"] == "tiered-rollback/shop/webui:1.0.5_b-20261120T100000Z"
    assert _image_tags.of_point(point, "localhost:5000/x")["db"] == "localhost:5000/x/db:1.0.5_b-20261120T100000Z"


def test_a_service_that_only_one_version_has_has_no_previous(build: Any) -> None:
    other = build.point("two", services={"web": build.service_part(), "new": build.service_part()})
    assert set(_image_tags.of_versions([_point(build, "one"), other])["new"]) == {"two"}


@given(versions=st.lists(st.from_regex(_names._VERSION, fullmatch=True), min_size=1, max_size=6))
def test_whatever_a_version_is_called_its_tags_are_tags_and_the_newest_is_found_by_its_name(
    build: Any, versions: list[str]
) -> None:
    tags = _tags(*(_point(build, version, id=f"p{n}~") for n, version in enumerate(versions)))
    assert all(_TAG.fullmatch(tag) for tag in tags)
    assert tags[_image_tags.as_tag(versions[-1])] == versions[-1]
