# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of checks there are; checks as data are read by them, and run side by side with one deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _check_alerts,
    _check_command,
    _check_container,
    _check_http,
    _check_leaks,
    _check_mcp,
    _check_prometheus,
    _check_sql,
    _check_sqlite,
    _check_steps,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject, Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        _check_http.KIND,
        _check_steps.KIND,
        _check_sql.KIND,
        _check_container.KIND,
        _check_command.KIND,
        _check_sqlite.KIND,
        _check_mcp.KIND,
        _check_prometheus.PROMQL,
        _check_prometheus.TARGETS,
        _check_alerts.KIND,
        _check_leaks.KIND,
    )
}
_THREADS = 16


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One check that was read and found right."""

    name: str
    kind: Kind
    values: Mapping[str, Any]


def parse(raw: Sequence[Any], where: str, stack: Stack, servers: Mapping[str, str | None]) -> list[Prepared]:
    """Read checks; nothing is run before all are right.

    :param servers: URLs of ``prometheus`` and ``alertmanager`` for checks that name none.
    :raises RollbackError: naming the key that is wrong or missing, and those that are known.
    """
    return [_prepared(entry, f"{where}[{n}]", stack, servers) for n, entry in enumerate(raw)]


def secrets(prepared: Sequence[Prepared]) -> set[str]:
    """Values that must not show: headers that are sent, and variables; harmless headers are left out."""
    found = set()
    for check in prepared:
        steps = [*check.values.get("steps", ()), *check.values.get("cleanup", ())]
        for headers in [check.values.get("headers") or {}, *(step.get("headers") or {} for step in steps)]:
            found |= {str(v) for name, v in headers.items() if name.lower() not in _stack.HARMLESS_HEADERS}
        found |= {str(value) for value in (check.values.get("variables") or {}).values()}
    # Masked everywhere, a word of one letter would leave nothing to read.
    return {value for value in found if len(value) > 3}


def run(prepared: Sequence[Prepared], subject: Subject) -> list[Verdict]:
    """Run checks side by side; one that has not ended by the deadline has failed, and is not waited for."""
    verdicts: dict[int, Verdict] = {}
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for place in range(len(prepared)):
        waiting.put(place)

    def work() -> None:
        while True:
            try:
                place = waiting.get_nowait()
            except queue.Empty:
                return
            verdicts[place] = _verdict(prepared[place], subject)

    # An executor's threads would be waited for at the end of the process, for as long as a server takes.
    threads = [threading.Thread(target=work, daemon=True) for _unused in range(min(_THREADS, len(prepared)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, subject.deadline - time.monotonic()))
    done = dict(verdicts)
    return [done.get(place) or _late(check) for place, check in enumerate(prepared)]


def _prepared(raw: Any, where: str, stack: Stack, servers: Mapping[str, str | None]) -> Prepared:
    known = ", ".join(KINDS)
    keys = [key for key in KINDS if isinstance(raw, Mapping) and key in raw]
    if len(keys) != 1:
        what = f"names {len(keys)} kinds of check ({', '.join(keys)})" if keys else "names no kind of check"
        raise RollbackError(f"{where} {what}", f"Each has exactly one of: {known}.")
    kind = KINDS[keys[0]]
    # A copy each: the validator fills in defaults in place.
    spec = {"name": {"type": "str"}, **{key: dict(entry) for key, entry in kind.spec.items()}}
    given = {key: url for key, url in servers.items() if key in spec and url} | dict(raw)
    values = _stack.validated(spec, given, where)
    if values.get("timeout") is not None and not 0 < values["timeout"] <= 600:
        raise RollbackError(f"{where}.timeout must be above 0 and at most 600 seconds", "Leave it out for the default.")
    kind.refuse(values, where, stack)
    return Prepared(name=values["name"] or _name(kind.key, values[kind.key]), kind=kind, values=values)


def _name(key: str, value: Any) -> str:
    if key == "command":
        # What follows the program may be a secret.
        value = value[0]
    elif isinstance(value, list):
        value = " ".join(value) if all(isinstance(each, str) for each in value) else len(value)
    return key if value is True else f"{key} {value}"[:80]


def _verdict(check: Prepared, subject: Subject) -> Verdict:
    begun = time.monotonic()
    try:
        found = check.kind.look(check.values, subject)
    except RollbackError as error:
        found = Found(ok=False, expected="an answer", found=error.message, hint=error.hint)
    except Exception as error:
        # A defect in one check must neither end the others' thread nor pass for success.
        text = f"{type(error).__name__}: {error}"[:200]
        found = Found(ok=False, expected="an answer", found=text, hint="This is a defect of the check; report it.")
    return Verdict(
        name=check.name,
        kind=check.kind.key,
        ok=found.ok,
        expected=found.expected,
        found=found.found,
        milliseconds=round((time.monotonic() - begun) * 1000, 1),
        hint=found.hint,
        figures=found.figures,
    )


def _late(check: Prepared) -> Verdict:
    hint = "Give more time (verify_timeout), or look at what it waits for."
    return Verdict(
        name=check.name, kind=check.kind.key, ok=False, expected="an answer", found="none in time", hint=hint
    )
