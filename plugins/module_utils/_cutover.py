# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service can be replaced start-first, and why (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

START_FIRST = "start_first"
STOP_FIRST = "stop_first"


def choose(
    name: str, wish: str, definitions: Iterable[Mapping[str, Any]], *, has_health: bool, has_volumes: bool
) -> tuple[str, str]:
    """Choose the cutover of one service and say why.

    :param wish: ``auto``, ``start_first`` or ``stop_first``, as the stack says.
    :param definitions: the service as rendered now and at the target; both must allow two replicas at once.
    :param has_volumes: whether a running container has a writable volume, which a second replica would not see.
    :param has_health: whether a new replica can be seen to be healthy.
    :returns: the cutover and its reason.
    :raises RollbackError: when start-first is demanded where it cannot work.
    """
    obstacle = next((reason for definition in definitions for reason in _obstacles(definition)), None)
    if obstacle is None and has_volumes:
        obstacle = "it has a volume that the image declares"
    if wish == START_FIRST and obstacle:
        raise RollbackError(
            f"service {name} cannot be started first: {obstacle}",
            "Set its cutover to auto or stop_first, or put it behind a proxy.",
        )
    if wish != "auto":
        return wish, "as the stack says"
    if obstacle:
        return STOP_FIRST, obstacle
    if not has_health:
        return STOP_FIRST, "it has no health check, so a new replica cannot be seen to be healthy"
    return START_FIRST, "no published port, no fixed name, no shared writable storage"


def may_wait_beside(definition: Mapping[str, Any]) -> bool:
    """Whether a second container of a service can be made, not started, while the first one works.

    :param definition: the service as rendered at the target.
    """
    # Compose refuses a second one of a fixed name; what borrows of another container is bound to it when it is made.
    borrows = str(definition.get("network_mode") or "").startswith(("service:", "container:"))
    return not (definition.get("container_name") or borrows or definition.get("volumes_from"))


def _obstacles(definition: Mapping[str, Any]) -> Iterable[str]:
    if any(port.get("published") for port in definition.get("ports") or ()):
        yield "it publishes a host port"
    if definition.get("container_name"):
        yield "it has a fixed container name"
    mode = definition.get("network_mode") or ""
    if mode == "host" or mode.startswith(("service:", "container:")):
        yield f"it uses network_mode {mode}"
    networks = [network or {} for network in (definition.get("networks") or {}).values()]
    if any(network.get("ipv4_address") or network.get("ipv6_address") for network in networks):
        yield "it has a fixed address"
    # Two processes on one data directory is how databases are destroyed.
    if any(not mount.get("read_only") and mount.get("type") != "tmpfs" for mount in definition.get("volumes") or ()):
        yield "it has writable storage that two replicas would share"
