# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _rebuild
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import GitPart

_TOPS = [PurePosixPath("/srv/real"), PurePosixPath("/opt/shop")]
_TREE = Path("/state/rebuild/p")


def test_a_build_reads_the_work_tree_by_either_name_of_the_checkout() -> None:
    build = {
        "context": "/opt/shop/api",
        "dockerfile": "Dockerfile",
        "args": {"PREFIX": "/opt/shop"},
        "additional_contexts": {"lib": "/srv/real/lib", "base": "docker-image://debian", "url": "https://x/y.git"},
    }
    assert _rebuild.moved(build, "api", _TOPS, _TREE) == {
        "context": "/state/rebuild/p/api",
        "dockerfile": "Dockerfile",
        "args": {"PREFIX": "/opt/shop"},
        "additional_contexts": {
            "lib": "/state/rebuild/p/lib",
            "base": "docker-image://debian",
            "url": "https://x/y.git",
        },
    }


def test_a_build_moves_no_other_tag_and_writes_no_cache_elsewhere() -> None:
    build = {"context": "/opt/shop", "tags": ["shop:latest"], "cache_to": ["type=registry,ref=r/x"]}
    assert _rebuild.moved(build, "api", _TOPS, _TREE) == {"context": "/state/rebuild/p"}


@pytest.mark.parametrize("path", ["/opt/shopping", "/srv/other/api", "/"])
def test_a_build_from_outside_of_the_checkout_is_refused(path: str) -> None:
    with pytest.raises(RollbackError, match=r"service api is built from .*, which is not in the checkout"):
        _rebuild.moved({"context": path}, "api", _TOPS, _TREE)


def test_services_that_share_an_image_are_built_once(build: Any) -> None:
    other = build.service_part(image_id=build.image_id("other"))
    part = build.service_part()
    point = build.point(services={"web": part, "api": part, "db": other, "plain": part})
    section = {"context": "/opt/shop"}
    definition = {"services": {"web": {"build": section}, "api": {"build": section}, "plain": {}, "db": {}}}
    assert _rebuild._builds(point, definition) == {"api": section}


def test_a_point_of_which_nothing_is_built_is_refused(build: Any) -> None:
    with pytest.raises(RollbackError, match=r"no service of restore point .* has a 'build' section"):
        _rebuild._builds(build.point(), {"services": {"web": {"image": "nginx"}}})


def test_a_point_without_a_commit_or_with_other_files_than_it_is_refused(build: Any) -> None:
    with pytest.raises(RollbackError, match="names no git commit"):
        _rebuild._commit(build.point())
    git = GitPart(commit="c" * 40, tag=None, clean=False)
    with pytest.raises(RollbackError, match="captured with changes that its commit cccccccccccc lacks"):
        _rebuild._commit(build.point(git=git))
    assert _rebuild._commit(build.point(git=replace(git, clean=True))) == "c" * 40


class _Checkout:
    def __init__(self, *, remote: bool, problem: str | None = None) -> None:
        self.asked: list[str] = []
        self._remote, self._problem = remote, problem

    def has(self, commit: str) -> bool:
        return "fetch" in self.asked and self._remote

    def fetch_tags(self) -> str | None:
        self.asked.append("fetch")
        return self._problem


def test_a_commit_that_the_checkout_lacks_is_fetched_but_not_in_check_mode(build: Any) -> None:
    checkout: Any = _Checkout(remote=True)
    assert _rebuild._fetch(checkout, build.point(), "c" * 40, check_mode=True)
    assert not checkout.asked
    assert _rebuild._fetch(checkout, build.point(), "c" * 40, check_mode=False)
    assert checkout.asked == ["fetch"]
    assert not _rebuild._fetch(checkout, build.point(), "c" * 40, check_mode=False)


@pytest.mark.parametrize("problem", [None, "no route to host"])
def test_a_commit_that_nobody_has_is_refused(build: Any, problem: str | None) -> None:
    checkout: Any = _Checkout(remote=False, problem=problem)
    with pytest.raises(RollbackError, match="neither in the checkout nor at its remote") as caught:
        _rebuild._fetch(checkout, build.point(), "c" * 40, check_mode=False)
    assert (problem or "remote") in caught.value.message
