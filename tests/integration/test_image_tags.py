# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are known by their version, its line, its commit and as the previous one; listed, and kept from a prune."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import checkout, engine
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack

VERSIONS = ("v1.0.4", "v1.0.5", "v1.1.0+hotfix")


class Life:
    """One life of a stack, told once for all tests of this file."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.images: dict[str, str] = {}
        self.commits: dict[str, str] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.outcomes: dict[str, Outcome] = {}

    def release(self, version: str) -> None:
        """Commit a version, deploy it, and leave its image no name but those that a deployment has."""
        stack = self.stack
        stack.write("VERSION", version)
        self.commits[version] = checkout.commit(stack, version)[:7]
        # What may stand in a version may not stand in a tag.
        built = version.replace("+", "_")
        self.images[version] = stack.tag("api:production", built, unique=stack.name)
        stack.up()
        stack.images.forget(built, unique=stack.name)

    def note(self, name: str, outcome: Outcome) -> None:
        """Note what is there after a chapter; the names that keep the images of points left out."""
        self.outcomes[name] = outcome
        ours = f"tiered-rollback/{self.stack.name}/api:"
        points = [point.replace("+", "_") for point in self.stack.points()]
        tags = {tag.removeprefix(ours): found for tag, found in engine.tags(ours).items()}
        self.names[name] = {tag: found for tag, found in tags.items() if tag not in points}


@pytest.fixture(scope="module")
def life(make_stack: Any) -> Life:
    stack: Stack = make_stack()
    told = Life(stack)
    stack.compose({"api": stack.published()})
    checkout.begin(stack)
    for version in VERSIONS:
        told.release(version)
        checked = stack.run("restore-point.yml", "--check", "--diff", version=version)
        told.note(f"{version} checked", checked)
        told.note(version, stack.run("restore-point.yml", version=version))
    told.note("again", stack.run("restore-point.yml", version=VERSIONS[-1]))
    told.note("status", stack.run("status.yml"))
    return told


def test_a_version_is_known_by_its_name_its_line_and_its_commit(life: Life) -> None:
    life.outcomes["v1.0.4"].ok()
    image = life.images["v1.0.4"]
    assert life.names["v1.0.4"] == {"v1.0.4": image, "v1.0": image, life.commits["v1.0.4"]: image}


def test_the_next_versions_move_the_line_and_the_previous_one(life: Life) -> None:
    one, two, three = (life.images[version] for version in VERSIONS)
    named = {"v1.0.4": one, "v1.0.5": two, "v1.0": two, life.commits["v1.0.4"]: one, life.commits["v1.0.5"]: two}
    assert life.names["v1.0.5"] == {**named, "previous": one}
    named.update({"v1.1.0_hotfix": three, "v1.1": three, life.commits["v1.1.0+hotfix"]: three})
    assert life.names["v1.1.0+hotfix"] == {**named, "previous": two}


def test_check_mode_moves_no_name_and_again_nothing_is_to_be_done(life: Life) -> None:
    assert life.outcomes["v1.0.5 checked"].ok().recap["changed"] == 1
    assert life.names["v1.0.5 checked"] == life.names["v1.0.4"]
    assert life.outcomes["again"].ok().recap["changed"] == 0
    assert life.names["again"] == life.names[VERSIONS[-1]]


def test_a_capture_says_which_labels_an_image_lacks_and_how_it_gets_them(life: Life) -> None:
    said = life.outcomes["v1.0.5"].said
    assert "The image of api does not say by labels" in said
    assert '--label org.opencontainers.image.revision="$(git rev-parse HEAD)"' in said
    assert "--label org.opencontainers.image.version" not in said


def test_status_lists_the_images_with_date_size_labels_and_points(life: Life) -> None:
    lines = [line for line in life.outcomes["status"].ok().said.splitlines() if line.strip().startswith("api:")]
    told = {line.split()[0]: line for line in lines}
    assert set(told) == {f"api:{tag}" for tag in life.names["again"]}
    assert [name for name, line in told.items() if " yes " in line] == [
        name for name in told if life.names["again"][name.removeprefix("api:")] == life.images[VERSIONS[-1]]
    ]
    (point,) = life.stack.points("v1.0.5")
    line = told["api:v1.0.5"]
    assert line.endswith(point)
    (found,) = engine.inspect("image", life.images["v1.0.5"])
    assert found["Created"][:19].replace("T", " ") in line
    assert " v1.0.5 " in line.partition("B ")[2], "the label's version"


def test_a_prune_takes_nothing_that_a_point_names(life: Life) -> None:
    stack = life.stack
    # The engine is shared, so that only images of this test may be pruned.
    mine = ["--filter", f"label=tiered.rollback.unique={stack.name}"]
    unwanted = stack.tag("api:candidate", "v9.9.9", unique=stack.name)
    stack.images.forget("v9.9.9", unique=stack.name)
    stack.tag("api:candidate", VERSIONS[0])
    engine.docker("image", "prune", "-f", *mine)
    assert engine.image_id(unwanted) is None, "the prune does what it is for"
    assert all(engine.image_id(image) == image for image in life.images.values())
    stack.rollback("v1.0.4").ok()
    assert stack.image_ids() == {"api": life.images["v1.0.4"]}


def test_retention_takes_the_names_that_no_point_is_left_of(life: Life) -> None:
    """v1.0.4 runs now; v1.0.5 is neither that nor the newest."""
    stack = life.stack
    stack.description["keep"] = 1
    life.note("kept", stack.run("restore-point.yml", version="v1.0.4"))
    one, _two, three = (life.images[version] for version in VERSIONS)
    assert not stack.points("v1.0.5")
    assert life.names["kept"] == {
        "v1.0.4": one,
        "v1.0": one,
        life.commits["v1.0.4"]: one,
        "v1.1.0_hotfix": three,
        "v1.1": three,
        life.commits["v1.1.0+hotfix"]: three,
        "previous": one,
    }
    assert engine.image_id(life.images["v1.0.5"]) is None
