# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: in which order its hosts have their turn, what became of each, and whether the next may begin (pure).

The share of failures is Ansible's own ``max_fail_percentage``: of a batch, and stopping when it is exceeded. The share
of all hosts so far never exceeds one that no batch has exceeded, so that one rule bounds both. The keyword itself is
not used: a play that it ends takes the plays after it along, and with them the report; and a batch of which nobody is
reached ends everything without a word of who failed before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

CANARY = "canary"
FORWARD = "forward"
#: What may become of a host, beside what a run may come to.
UNCHANGED, PLANNED, UNREACHABLE, NOT_BEGUN = "unchanged", "planned", "unreachable", "not begun"
GOOD = (_outcome.SUCCEEDED, UNCHANGED, PLANNED)

Result = dict[str, Any]


def plan(
    hosts: Sequence[str], canary: str = "1", batch: str = "25%", failures: str = "20%", done: str = "keep"
) -> dict[str, Any]:
    """Return the hosts in the order of their turns, and the batches that they go in.

    :param hosts: as the inventory orders them.
    :param canary: how many of them go first, or their names with commas between them.
    :param batch: hosts of every further batch: a number, or a share of all as ``serial`` has it.
    :param failures: percent of a batch that may fail or be unreachable.
    :param done: what becomes of hosts that are done when the fleet is stopped, ``keep`` or ``forward``.
    """
    if not hosts:
        raise RollbackError("there are no hosts", "Look at the inventory (-i) and at --limit; nothing was touched.")
    first = _canary(hosts, canary)
    rest = [host for host in hosts if host not in first]
    size = _size(batch, len(hosts))
    batches = [{"name": CANARY, "hosts": first}] + [
        {"name": f"batch {begin // size + 1}", "hosts": rest[begin : begin + size]}
        for begin in range(0, len(rest), size)
    ]
    return {
        "hosts": [*first, *rest],
        "batches": batches,
        "serial": [len(each["hosts"]) for each in batches],
        "failures": int(failures.rstrip("%")),
        "done": done,
    }


def _canary(hosts: Sequence[str], wanted: str) -> list[str]:
    if wanted.isdecimal():
        if not 0 < int(wanted) <= len(hosts):
            raise RollbackError(
                f"a canary of {wanted} hosts in a fleet of {len(hosts)}",
                "Give at least one, and no more than there are; nothing was touched.",
            )
        return list(hosts[: int(wanted)])
    names = wanted.split(",")
    unknown = [name for name in names if name not in hosts]
    if unknown:
        raise RollbackError(
            f"no such host in this fleet: {', '.join(unknown)}",
            f"The canary is a number, or names of {', '.join(hosts[:10])}{' ...' if len(hosts) > 10 else ''}; "
            "nothing was touched.",
        )
    return [host for host in hosts if host in names]


def _size(batch: str, count: int) -> int:
    """Return the size of a batch; a share is rounded down and is one host at least, as ``serial`` does."""
    return max(1, int(batch[:-1]) * count // 100) if batch.endswith("%") else int(batch)


def result(answer: Mapping[str, Any], host: str, run: str) -> Result:
    """Return what became of a host.

    :param answer: what the switch returned there, or whatever task has failed.
    :param run: id of the run there.
    """
    record = answer.get("record") or {}
    if answer.get("unreachable"):
        outcome = UNREACHABLE
    elif answer.get("failed"):
        outcome = record.get("outcome", _outcome.FAILED)
    elif not answer.get("needed", True):
        outcome = UNCHANGED
    else:
        outcome = record.get("outcome", PLANNED)
    said = "" if outcome in GOOD else str(answer.get("msg") or "the output of the run says why")
    message, _mark, hint = said.partition("\nHINT: ")
    return {
        "host": host,
        "run": record.get("run", run),
        "outcome": outcome,
        "error": message or None,
        "hint": hint or None,
        "report": answer.get("report"),
        **{key: record.get(key) for key in ("started", "duration", "outage")},
        **{key: record.get(key, answer.get(key)) for key in ("from_version", "to_version")},
    }


def verdict(planned: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Say whether the fleet is to be stopped, why, and which hosts then go forward again."""
    why = _why(planned, outcomes(planned, results))
    done = [each["host"] for each in results if each["outcome"] == _outcome.SUCCEEDED]
    return {"stopped": bool(why), "why": why or None, "forward": done if why and planned["done"] == FORWARD else []}


def outcomes(planned: Mapping[str, Any], results: Sequence[Result]) -> dict[str, str]:
    """Return what became of every host.

    One that has had its turn and told nothing has failed: whatever Ansible has dropped it for, it is not hidden.
    """
    known = {each["host"]: each["outcome"] for each in results}
    begun = [number for number, each in enumerate(planned["batches"]) if known.keys() & set(each["hosts"])]
    last = max(begun, default=-1)
    return {
        host: known.get(host, _outcome.FAILED if number <= last else NOT_BEGUN)
        for number, each in enumerate(planned["batches"])
        for host in each["hosts"]
    }


def _why(planned: Mapping[str, Any], found: Mapping[str, str]) -> str:
    for batch in planned["batches"]:
        bad = [host for host in batch["hosts"] if found[host] not in (*GOOD, NOT_BEGUN)]
        share = 100 * len(bad) / len(batch["hosts"])
        told = ", ".join(f"{host} ({found[host]})" for host in bad)
        if bad and batch["name"] == CANARY:
            return f"the canary did not succeed: {told}"
        if share > planned["failures"]:
            return (
                f"{len(bad)} of {len(batch['hosts'])} hosts of {batch['name']} did not succeed, "
                f"more than {planned['failures']} %: {told}"
            )
    return ""
