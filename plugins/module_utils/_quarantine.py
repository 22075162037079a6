# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions must not be deployed again, as the ledger tells it (pure).

There is no file of its own that could say otherwise than the history does. A version is quarantined

- when the whole stack was rolled back from it; a part that went back alone says nothing of the version, and going to a
  version that was deployed later is no way back;
- when its deployment failed once it had touched what runs.

It is free again once somebody has released it, or has undone the rollback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names, _outcome
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run, seconds_between

#: Kind of the ledger's line that releases a version.
QUARANTINE = "quarantine"
_UNKNOWN = "unknown"
Line = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """A version in quarantine.

    :param since: when the run ended that it was left by; UTC in ISO 8601.
    :param run: that run; *reason* is what it was given.
    """

    version: str
    since: str
    run: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON types."""
        return asdict(self)


def held(lines: Sequence[Line]) -> dict[str, Held]:
    """Return the versions in quarantine, by name, the newest last.

    :param lines: the ledger, oldest first.
    """
    found: dict[str, Held] = {}
    whole: dict[str, str] = {}
    for number, line in enumerate(lines):
        kind, outcome = line.get("kind"), line.get("outcome")
        if line.get("scope") is not None:
            # What a partial run comes to has a name of its own; it is that version still.
            whole[str(line.get("to_version"))] = whole.get(_from(line), _from(line))
        elif kind == QUARANTINE:
            found.pop(str(line.get("release")), None)
        elif kind == _outcome.DEPLOY and outcome != _outcome.SUCCEEDED:
            if line.get("touched"):
                _hold(found, str(line.get("to_version")), line)
        elif outcome == _outcome.SUCCEEDED:
            back = _back(line, lines[:number])
            if back and not line.get("forward") and _from(line) != line.get("to_version"):
                _hold(found, whole.get(_from(line), _from(line)), line)
            elif back is False:
                found.pop(whole.get(str(line.get("to_version")), str(line.get("to_version"))), None)
    return found


def _from(line: Line) -> str:
    return str(line.get("from_version"))


def _back(line: Line, before: Sequence[Line]) -> bool | None:
    """Whether a run left a version for an earlier one (True), brought one back that was left (False), or neither."""
    kind = line.get("kind")
    if kind == "rollback":
        return True
    if kind != "undo":
        return None
    undone = [entry for entry in before if entry.get("before") and entry["before"] == line.get("target")]
    if not undone:
        return None
    if undone[-1].get("kind") == _outcome.DEPLOY:
        return True
    found = _back(undone[-1], before)
    return None if found is None else not found


def _hold(found: dict[str, Held], version: str, line: Line) -> None:
    found.pop(version, None)
    if _names.is_version(version) and version != _UNKNOWN:
        found[version] = Held(
            version=version,
            since=str(line.get("ended")),
            run=str(line.get("run")),
            reason=str(line.get("reason") or "not stated"),
        )


def refusal(found: Held, others: Iterable[str]) -> RollbackError:
    """Return the error for a version in quarantine.

    :param others: versions that there are, which may be in any order and more than once.
    """
    known = ", ".join(dict.fromkeys(others))
    return RollbackError(
        f"{found.version} is quarantined since {found.since[:19]}: run {found.run} left it ({found.reason})",
        f"Once it is mended: quarantine.yml -e release={found.version}. Available otherwise: {known or 'none'}.",
    )


def line(run: Run, stack: str, released: Held, at: str) -> dict[str, Any]:
    """Return the line of the ledger by which a version is free again."""
    return {
        "run": run.id,
        "stack": stack,
        "kind": QUARANTINE,
        "release": released.version,
        "tier": None,
        "user": run.user,
        "reason": run.reason or "not stated",
        "from_version": released.version,
        "to_version": released.version,
        "target": f"release {released.version}",
        "before": None,
        "started": run.started,
        "ended": at,
        "duration": seconds_between(run.started, at),
        "outage": None,
        "outcome": _outcome.SUCCEEDED,
    }
