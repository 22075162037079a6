# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import image_retag
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule

NAME = "shop:production"


@pytest.fixture(autouse=True)
def engine(deployment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_retag, "Engine", lambda: deployment.engine)


def _act(address: str, *, check_mode: bool = False) -> dict[str, Any]:
    return image_retag.act(FakeModule({"name": NAME, "image_id": address}, check_mode))


def test_a_name_is_moved_once(deployment: Any, build: Any) -> None:
    deployment.world.tags[NAME] = build.image_id("v1.0.0")
    wanted = build.image_id("v0.9.0")
    first, second = _act(wanted), _act(wanted)
    assert (first["changed"], first["before"], first["after"]) == (True, build.image_id("v1.0.0"), wanted)
    assert (second["changed"], second["before"]) == (False, wanted)
    assert deployment.world.calls == [("tag", wanted, NAME)]


def test_a_name_that_is_new_points_to_the_image(deployment: Any, build: Any) -> None:
    result = _act(build.image_id("v0.9.0"))
    assert (result["before"], deployment.world.tags[NAME]) == (None, build.image_id("v0.9.0"))


def test_an_image_may_be_named_by_digest(deployment: Any, build: Any) -> None:
    digest = "localhost:5000/shop@sha256:" + "1" * 64
    deployment.world.tags[digest] = build.image_id("v0.9.0")
    assert _act(digest)["after"] == build.image_id("v0.9.0")


def test_check_mode_gives_the_same_answer_and_moves_nothing(deployment: Any, build: Any) -> None:
    foretold = _act(build.image_id("v0.9.0"), check_mode=True)
    assert deployment.world.calls == []
    assert foretold == _act(build.image_id("v0.9.0"))


@pytest.mark.parametrize("address", ["shop:v0.9.0", "sha256:12", "sha256:" + "g" * 64, "", "sha256:" + "1" * 65])
def test_a_tag_is_no_address_since_it_may_have_been_moved(deployment: Any, address: str) -> None:
    with pytest.raises(RollbackError, match="image_id is no content address"):
        _act(address)
    assert deployment.world.calls == []


def test_an_image_that_is_not_on_the_host_moves_nothing(deployment: Any) -> None:
    with pytest.raises(RollbackError, match="is not on this host"):
        _act("sha256:" + "0" * 64)
    assert deployment.world.calls == []
