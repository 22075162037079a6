# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a CI set-up, one after the other: what cannot be checked after a failure is skipped, and never well."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC


class Unmet(Exception):
    """What was found is not what was expected; checks that come after it can be done all the same."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check; one that was skipped is neither well nor failed."""

    name: str
    expected: str
    found: str
    ok: bool = False
    skipped: bool = False
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it was done and is not well."""
        return not self.ok and not self.skipped


class Checks:
    """The checks that were done, in their order."""

    def __init__(self) -> None:
        self.results: list[Check] = []
        self._began = datetime.now(UTC)
        self._not_done: set[str] = set()

    def do(self, name: str, expected: str, act: Callable[[], str], needs: Collection[str] = ()) -> None:
        """Do one check.

        :param act: returns what was found; raises :class:`Unmet` where that is not as expected, and
            :class:`RollbackError` where it could not be done.
        :param needs: names of checks without which this one cannot be done.
        """
        if missing := [need for need in needs if not self.done(need)]:
            self.skip(name, expected, f"needs {', '.join(missing)}")
            return
        began = time.monotonic()
        try:
            ok, found = True, act()
        except Unmet as unmet:
            ok, found = False, str(unmet)
        except RollbackError as error:
            ok, found = False, str(error)
            self._not_done.add(name)
        seconds = round(time.monotonic() - began, 2)
        self.results.append(Check(name=name, expected=expected, found=found, ok=ok, seconds=seconds))

    def skip(self, name: str, expected: str, why: str) -> None:
        """Note a check that is not done."""
        self._not_done.add(name)
        self.results.append(Check(name=name, expected=expected, found=f"skipped: {why}", skipped=True))

    def done(self, *names: str) -> bool:
        """Whether all of some checks could be done."""
        return not self._not_done & set(names)

    def report(self) -> dict[str, Any]:
        """Return the report as JSON types; the success rate is the percentage of all checks, skipped ones included."""
        passed = sum(check.ok for check in self.results)
        return {
            "created": self._began.isoformat(timespec="seconds"),
            "total": len(self.results),
            "passed": passed,
            "failed": sum(check.failed for check in self.results),
            "skipped": sum(check.skipped for check in self.results),
            "success_rate": round(100 * passed / len(self.results), 1) if self.results else 0.0,
            "checks": [asdict(check) for check in self.results],
        }

    def failures(self) -> str:
        """Name the checks that failed, with what was found."""
        return "; ".join(f"{check.name}: {check.found}" for check in self.results if check.failed)
