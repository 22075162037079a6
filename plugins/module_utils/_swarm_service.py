# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a swarm as values, and whether they are well (pure)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DIGEST = re.compile(r"(?P<name>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})")
#: What the swarm calls an update that it has given up.
_STOPPED = ("paused", "rollback_paused")
_BUSY = ("updating", "rollback_started")
_RUNNING = "running"
_SHOWN = 300


@dataclass(frozen=True, kw_only=True)
class Task:
    """One replica on one node.

    :param wanted: whether the swarm wants it to run; one that was replaced is only its history.
    :param current: whether it was made from the service's present specification.
    """

    id: str
    wanted: bool
    state: str
    error: str
    at: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of a stack.

    :param name: without the stack's name before it.
    :param spec: its specification, with names of networks in place of their ids.
    :param update: state of its last update; empty where the swarm tells of none.
    """

    id: str
    name: str
    spec: Mapping[str, Any]
    update: str
    message: str
    tasks: tuple[Task, ...]

    @property
    def image(self) -> str:
        """The image as the specification names it."""
        return str(self.spec["TaskTemplate"]["ContainerSpec"]["Image"])

    @property
    def stopped(self) -> bool:
        """Whether its update was given up half-way."""
        return self.update in _STOPPED

    @property
    def ready(self) -> int:
        """How many replicas run as the specification says."""
        return sum(task.wanted and task.current and task.state == _RUNNING for task in self.tasks)

    @property
    def problem(self) -> str:
        """Say why it is not, or not yet, well; empty where it is."""
        alive = [task for task in self.tasks if task.wanted]
        wanted = replicas(self.spec)
        if self.stopped:
            return f"its update is {self.update}: {self.message}{self.last_error}"
        if self.update in _BUSY:
            return f"its update is not complete, {self._states}{self.last_error}"
        if wanted is None:
            wanted = max(len(alive), 1)
        if self.ready != wanted or len(alive) != wanted:
            return f"{self.ready} of {wanted} replicas run as specified, {self._states}{self.last_error}"
        return ""

    @property
    def _states(self) -> str:
        """How far its replicas are."""
        alive = [task for task in self.tasks if task.wanted]
        states = Counter(task.state if task.current else f"{task.state} as before" for task in alive)
        return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none begun"

    @property
    def last_error(self) -> str:
        """The last thing that a task of the present specification failed with, to be put behind a sentence."""
        failed = sorted((task.at, task.error) for task in self.tasks if task.error and task.current)
        return f" ({failed[-1][1][:_SHOWN]})" if failed else ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The services of a stack at one moment.

    :param project: the stack's name in the swarm.
    """

    project: str
    services: tuple[Service, ...]

    @property
    def definition(self) -> dict[str, Any]:
        """What a restore point keeps: every specification by service."""
        return {"name": self.project, "services": {service.name: service.spec for service in self.services}}


def replicas(spec: Mapping[str, Any]) -> int | None:
    """Return how many replicas a specification asks for; None where it is one on each node.

    :raises KeyError: for a job, which ends.
    """
    mode = spec["Mode"]
    return None if "Global" in mode else int(mode["Replicated"]["Replicas"])


def bare(value: Any) -> Any:
    """Return a part of a specification without what says nothing: the swarm fills services and tasks up differently."""
    if isinstance(value, Mapping):
        kept = {key: bare(each) for key, each in value.items() if (key, each) != ("Runtime", "container")}
        return {key: each for key, each in kept.items() if each not in (None, "", {}, [])}
    return [bare(each) for each in value] if isinstance(value, list) else value


def pinned(image: str) -> tuple[str, str] | None:
    """Return name and digest of an image that is named by digest; None where it is not."""
    found = _DIGEST.fullmatch(image)
    return (found["name"], found["digest"]) if found else None


def reference(image: str) -> str:
    """Return ``repository@sha256:...``, without a tag, of an image that is named by digest; else the image itself."""
    found = pinned(image)
    if found is None:
        return image
    name, digest = found
    # Of a registry's address only the port follows a colon.
    repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return f"{repository}@{digest}"


def tag(image: str) -> str:
    """Return the tag that an image is named by; empty where it has none."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]
