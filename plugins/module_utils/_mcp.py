# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot API of an MCP container: what it answers becomes values that are checked."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.tiered.rollback.plugins.module_utils import _api, _shape
from ansible_collections.tiered.rollback.plugins.module_utils._api import McpApi
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._http import Http, HttpError

#: Option of the modules that ask a snapshot API; documented in the ``mcp`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {"mcp": {"type": "dict", "required": True, "options": _api.MCP_SPEC}}
_ID = re.compile(r"snapshot-[0-9]{1,15}(-[0-9]{1,6})?")
_HINTS = {
    "busy": "Another snapshot or restore runs; ask again when it has ended.",
    "snapshot_damaged": "Its stored files were changed; nothing was touched. Choose another snapshot.",
    "unknown_snapshot": "It may have been removed to make room; list the snapshots again.",
    "levels_beyond": "Nothing was touched; ask for fewer levels.",
    "no_space": "Free space for the snapshots; nothing was touched.",
    "restore_unfinished": "The service goes on with it at its next start; see its log before anything else.",
}
#: As many as fit into an error that is read in an emergency.
_LISTED = 10

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot; the documented API promises the first three, and peelback answers with all.

    :param new_bytes: what it added to the storage.
    :param trigger: ``request``, ``interval`` or ``before-restore``.
    :param healthy: whether the application was, at that moment; None where nobody knew.
    :param kept: whether it stays until it is removed by request.
    :param level: what a revert takes to come here; None for a state saved before a restore.
    :param remarks: what was left out, and why.
    """

    id: str
    timestamp: str
    description: str
    size_bytes: int = 0
    new_bytes: int = 0
    files: int = 0
    trigger: str = "request"
    healthy: bool | None = None
    kept: bool = False
    level: int | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        snapshot_id(self.id)

    def describe(self) -> str:
        """Return id, time and description on one line."""
        return f"{self.id} ({self.timestamp}{', ' + self.description if self.description else ''})"


@dataclass(frozen=True, kw_only=True)
class Restoration:
    """A restore, or what one would do; of a service that answers with less it counts as a change.

    :param before: the state that was replaced; None where nothing differed, and where it was only tried.
    """

    changed: bool = True
    restored: Snapshot | None = None
    before: Snapshot | None = None
    files_changed: int = 0
    seconds: int | float = 0


@dataclass(frozen=True, kw_only=True)
class AutomaticRollback:
    """The rollback that the service does by itself when the application's health fails."""

    automatic: bool
    health: str
    consecutive_failures: int
    attempts: int
    max_attempts: int
    gave_up: bool


@dataclass(frozen=True, kw_only=True)
class PeelbackStatus:
    """Levels at hand, the schedule of snapshots, and the automatic rollback."""

    enabled: bool
    interval_seconds: int | float
    max_snapshots: int
    snapshots: int
    levels: int
    next_snapshot: str | None
    paused_because: str | None
    rollback: AutomaticRollback


@dataclass(frozen=True, kw_only=True)
class Status:
    """The service itself: version, space, what it does and what it failed to do."""

    version: str
    status: str
    snapshots: int
    stored_bytes: int
    free_bytes: int
    operation: str | None
    last_error: str | None


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether the service is well: ``ok`` or ``failing``."""

    status: str


class Mcp:
    """The snapshot API at one address.

    Every method raises :class:`RollbackError`: for no answer, for a refusal, and for an answer that is not what the
    API promises.

    :param timeout: seconds for one request, retries included.
    """

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._http = Http(url, {"Authorization": f"Bearer {token}"}, timeout)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, newest first."""
        found = self._ask("GET", "/admin/snapshots")
        if not isinstance(found, list):
            raise _malformed("the list of snapshots is none")
        return [_value(Snapshot, entry, f"snapshots[{n}]") for n, entry in enumerate(found)]

    def snapshot(self, description: str, *, keep: bool) -> Snapshot:
        """Take a snapshot.

        :param keep: whether it shall stay until it is removed by request.
        """
        # Other services with this API know the description only.
        body = {"description": description, **({"keep": True} if keep else {})}
        return _value(Snapshot, self._ask("POST", "/admin/snapshot", body), "snapshot")

    def restore(self, snapshot: str, *, dry_run: bool = False) -> Restoration:
        """Make the data equal to a snapshot, or with *dry_run* only say what would change."""
        return self._restoration("/admin/restore", {"snapshotId": snapshot_id(snapshot)}, dry_run)

    def revert(self, levels: int, *, dry_run: bool = False) -> Restoration:
        """Go back to the snapshot of a level, or with *dry_run* only say what would change."""
        return self._restoration("/admin/peelback/revert", {"levels": levels}, dry_run)

    def remove(self, snapshot: str) -> None:
        """Remove a snapshot; none is no error, since a request that is repeated finds none."""
        try:
            self._http.ask("DELETE", f"/admin/snapshots/{snapshot_id(snapshot)}")
        except HttpError as error:
            if _code(error) != "unknown_snapshot":
                raise _hinted(error) from error

    def status(self) -> Status:
        """Return how the service is."""
        return _value(Status, self._ask("GET", "/admin/status"), "status")

    def peelback_status(self) -> PeelbackStatus:
        """Return levels, schedule and automatic rollback."""
        return _value(PeelbackStatus, self._ask("GET", "/admin/peelback/status"), "peelback status")

    def health(self) -> Health:
        """Return whether the service is well."""
        try:
            answer = self._http.ask("GET", "/health")
        except HttpError as error:
            # 503 with a body that says so.
            if not isinstance(error.document, dict) or "status" not in error.document:
                raise
            answer = error.document
        return _value(Health, answer, "health")

    def _restoration(self, path: str, body: Mapping[str, Any], dry_run: bool) -> Restoration:
        if dry_run and not self._can_try():
            raise RollbackError(
                "this service cannot say what a restore would change, and would do it",
                "Leave check mode, or use peelback, which can.",
            )
        tried = {"dryRun": True} if dry_run else {}
        return _value(Restoration, self._ask("POST", path, {**body, **tried}), "restoration")

    def _can_try(self) -> bool:
        """Whether the service knows ``dryRun``; one that does not would take it for a request to restore."""
        try:
            return "dryRun" in json.dumps(self._http.ask("GET", "/openapi.json"))
        except RollbackError:
            return False

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._http.ask(method, path, body)
        except HttpError as error:
            raise _hinted(error) from error


def given(params: Mapping[str, Any]) -> Mcp:
    """Return the snapshot API that a module was given."""
    return of(_api.parse_mcp(params["mcp"], "mcp"))


@functools.cache
def of(api: McpApi) -> Mcp:
    """Return the client of an API: one for as long as a module runs, whose connection serves every look of a watch."""
    return Mcp(api.url, api.token, api.timeout)


def snapshot_id(value: str) -> str:
    """Return the id of a snapshot, or raise: it becomes part of a path."""
    if not _ID.fullmatch(value):
        raise RollbackError(
            f"not the id of a snapshot: {value!r:.80}",
            "Ids look like snapshot-1700265600; mcp_snapshot_info lists them.",
        )
    return value


def pick(snapshots: Sequence[Snapshot], wanted: str) -> Snapshot:
    """Return the snapshot with an id.

    :raises RollbackError: naming those that there are.
    """
    snapshot_id(wanted)
    for snapshot in snapshots:
        if snapshot.id == wanted:
            return snapshot
    listed = [snapshot.describe() for snapshot in snapshots[:_LISTED]]
    more = [f"and {len(snapshots) - _LISTED} older"] if len(snapshots) > _LISTED else []
    raise RollbackError(
        f"there is no snapshot {wanted}",
        f"There are: {'; '.join(listed + more)}." if listed else "There are none yet; take one with mcp_snapshot.",
        snapshots=[snapshot.id for snapshot in snapshots],
    )


def _code(error: HttpError) -> str:
    document = error.document
    return str(document.get("code")) if isinstance(document, dict) else ""


def _hinted(error: HttpError) -> RollbackError:
    return RollbackError(error.message, _HINTS.get(_code(error), error.hint))


def _value(kind: type[T], raw: Any, where: str) -> T:
    """Turn a JSON object into a dataclass; a later release of the service may say more than this one reads."""
    try:
        return _shape.read(kind, raw, where, _key, others=True)
    except _shape.Malformed as error:
        raise _malformed(str(error)) from error


def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _malformed(what: str) -> RollbackError:
    return RollbackError(
        f"the service does not answer as the snapshot API does: {what}",
        "See that mcp.url is that of peelback or of a service with the same API, of a release that fits this one.",
    )
