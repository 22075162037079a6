# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _cutover
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OBSTACLES: dict[str, tuple[dict[str, Any], str]] = {
    "port": ({"ports": [{"target": 80}, {"published": "8080", "target": 80}]}, "publishes a host port"),
    "name": ({"container_name": "udo_backend"}, "fixed container name"),
    "host network": ({"network_mode": "host"}, "network_mode host"),
    "service network": ({"network_mode": "service:db"}, "network_mode service:db"),
    "container network": ({"network_mode": "container:db"}, "network_mode container:db"),
    "address": ({"networks": {"front": None, "back": {"ipv4_address": "10.0.0.9"}}}, "fixed address"),
    "address 6": ({"networks": {"back": {"ipv6_address": "fd00::9"}}}, "fixed address"),
    "volume": ({"volumes": [{"type": "volume", "source": "data"}]}, "writable storage"),
    "bind": ({"volumes": [{"type": "bind", "source": "/data", "read_only": False}]}, "writable storage"),
}
FREE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "unpublished port": {"ports": [{"target": 80}], "expose": ["80"]},
    "nulls": {"ports": None, "networks": None, "volumes": None, "container_name": None, "network_mode": None},
    "read-only mount": {"volumes": [{"type": "bind", "source": "/etc/x", "read_only": True}]},
    "tmpfs": {"volumes": [{"type": "tmpfs", "target": "/tmp"}]},
    "plain network": {"networks": {"default": None, "back": {"aliases": ["x"]}}, "network_mode": "bridge"},
}


@pytest.mark.parametrize("definition", FREE.values(), ids=FREE)
def test_a_healthy_service_that_allows_two_replicas_is_started_first(definition: dict[str, Any]) -> None:
    assert _cutover.choose("web", "auto", [definition], has_health=True, has_volumes=False)[0] == _cutover.START_FIRST


@pytest.mark.parametrize(("definition", "why"), OBSTACLES.values(), ids=OBSTACLES)
def test_an_obstacle_makes_it_stop_first_and_is_named(definition: dict[str, Any], why: str) -> None:
    cutover, reason = _cutover.choose("web", "auto", [definition], has_health=True, has_volumes=False)
    assert (cutover, why in reason) == (_cutover.STOP_FIRST, True)


@pytest.mark.parametrize(("definition", "why"), OBSTACLES.values(), ids=OBSTACLES)
@pytest.mark.parametrize("place", [0, 1])
def test_start_first_is_refused_where_now_or_the_target_has_an_obstacle(
    definition: dict[str, Any], why: str, place: int
) -> None:
    definitions = [{}, {}]
    definitions[place] = definition
    with pytest.raises(RollbackError, match=f"web cannot be started first: .*{why}") as caught:
        _cutover.choose("web", "start_first", definitions, has_health=True, has_volumes=False)
    assert "stop_first" in caught.value.hint


def test_a_service_without_a_health_check_is_stopped_first() -> None:
    cutover, reason = _cutover.choose("web", "auto", [{}], has_health=False, has_volumes=False)
    assert (cutover, "no health check" in reason) == (_cutover.STOP_FIRST, True)


@pytest.mark.parametrize("wish", [_cutover.START_FIRST, _cutover.STOP_FIRST])
@pytest.mark.parametrize("has_health", [True, False])
def test_what_the_stack_says_is_done_where_it_can_be(wish: str, has_health: bool) -> None:
    assert _cutover.choose("web", wish, [{}], has_health=has_health, has_volumes=False) == (wish, "as the stack says")


def test_a_volume_that_only_the_image_declares_is_an_obstacle_too() -> None:
    cutover, reason = _cutover.choose("web", "auto", [{}], has_health=True, has_volumes=True)
    assert (cutover, "the image declares" in reason) == (_cutover.STOP_FIRST, True)
    with pytest.raises(RollbackError, match="cannot be started first: it has a volume"):
        _cutover.choose("web", "start_first", [{}], has_health=True, has_volumes=True)
