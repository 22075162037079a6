# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers and images as values; what the planning and the clients both speak of (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a Compose project.

    :param health: ``healthy``, ``unhealthy``, ``starting``, or None where it has no health check.
    :param pid: process id on the host; 0 where it does not run.
    :param unstarted: made, and never started.
    :param writable_volumes: whether it has a volume of its own, anonymous ones that only the image declares included.
    """

    id: str
    name: str
    project: str
    service: str
    number: int
    image_id: str
    image: str
    config_hash: str
    running: bool
    health: str | None
    exit_code: int
    restarts: int
    pid: int
    created: str
    addresses: tuple[str, ...]
    writable_volumes: bool = False
    unstarted: bool = False

    @property
    def good(self) -> bool:
        """Running, and healthy where it can say so."""
        return self.running and self.health in (None, "healthy")

    @property
    def state(self) -> str:
        """The state in words."""
        if not self.running:
            return f"not running (exit code {self.exit_code})"
        return f"running, {self.health or 'without a health check'}"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a container uses at one moment.

    :param at: when, in seconds of a clock that only goes forward.
    :param cpu: seconds of one processor's time since its start.
    :param memory: bytes, what the kernel can take back at once left out.
    :param limit: bytes that it may use.
    """

    at: float
    cpu: float
    memory: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Mount:
    """What covers a folder or file of a container.

    :param kind: ``volume``, ``bind``, ``tmpfs`` and what else the engine knows.
    :param source: path on the engine's host; empty where it has none.
    :param target: path in the container.
    """

    kind: str
    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """A local image; *size* in bytes."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    created: str
    labels: dict[str, str]
