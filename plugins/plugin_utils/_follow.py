# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows a run's journal while a module works on the target, and tells each step once, as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ansible_collections.tiered.rollback.plugins.plugin_utils import _told

#: Seconds between two looks. A look is one ``cat`` over the connection.
_POLL = 0.5
#: Seconds between two lines about the progress of the same step.
_PROGRESS = 5.0


class Follower:
    """A thread that reads the journal, and never more than a convenience: what it cannot read it leaves out.

    :param read: returns the journal as it is now, or None where there is none or it cannot be read.
    :param show: shows a headline with the share of a budget (in seconds) that is used up, or with ``detail=True`` a
        line below one.
    """

    def __init__(self, run: str, read: Callable[[], Mapping[str, Any] | None], show: Callable[..., None]) -> None:
        self._run = run
        self._read = read
        self._show = show
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._planned = False
        self._phases = 0
        self._last = time.monotonic()

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def tell_rest(self, result: Mapping[str, Any]) -> None:
        """Tell what was too quick to be seen, from the module's own answer."""
        record = result.get("record") or result
        if result.get("needed") is False:
            self._show(f"{result['to_version']} ({result['target']}) is what runs already; nothing was changed")
        elif "plan" in record:
            self._tell(record, record.get("phases", ()))

    def _follow(self) -> None:
        while not self._ended.wait(_POLL):
            journal = self._read()
            if journal and journal["run"]["id"] == self._run:
                self._tell(journal["facts"], [step for step in journal["steps"] if step["run"] == self._run])

    def _tell(self, facts: Mapping[str, Any], phases: Any) -> None:
        budget = facts.get("budget")
        if not self._planned and "plan" in facts:
            self._planned = True
            head, *lines = _told.plan(facts)
            self._show(head, budget)
            for text in lines:
                self._show(text, detail=True)
        for entry in phases[self._phases :]:
            self._phases += 1
            # What came before the plan is over by the time that anyone reads of it.
            if entry["name"] != "preflight":
                self._last = time.monotonic()
                self._show(_told.phase(entry), budget)
        if phases and "progress" in phases[-1] and time.monotonic() - self._last >= _PROGRESS:
            self._last = time.monotonic()
            self._show(_told.progress(phases[-1]), budget)
