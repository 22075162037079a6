# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live progress of a run against its tier's budget."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timeline
type: stdout
short_description: Show a run live against its tier's time budget
version_added: 1.0.0
description:
  - One line a step, with the time since the start, the share of the tier's budget that is used up, and what the step
    found. On a terminal the line of the step at work counts on; elsewhere it is printed once the step has ended.
  - Ends with a summary that says what became of each host, how long it took, how long no good answer was had, where the
    report is and how to undo it.
  - Failures, warnings and differences are shown as the default output shows them. The default output itself is one
    variable away, C(ANSIBLE_STDOUT_CALLBACK=default).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout_callback in ansible.cfg
author: The tiered.rollback authors (@tiered)
"""

import shutil
import sys
import threading
import time
from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.tiered.rollback.plugins.module_utils import _drill
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import BUDGETS
from ansible_collections.tiered.rollback.plugins.plugin_utils import _told

_TICK = 0.2
_ROLE = "rollback"
#: Instead of a budget, where time is not that of one run.
_NONE = 0
#: What only leads to other steps, or notes what a step before has said.
_SILENT = frozenset({"validate_argument_spec", "include_role", "include_tasks", "set_fact", "assert"})


def findings(action: str, result: dict[str, Any]) -> list[str]:
    """Say in a few words what a step of this collection found; the first stands on the step's own line."""
    name = action.rpartition(".")[2]
    if name == "stack_switch" and result.get("checks"):
        return [f"{len(result['checks'])} checks hold, {result['outage']:.2f} s without an answer"]
    if (
        name in ("restore_point", "restore_point_prune", "restore_point_rebuild", "image_build", "quarantine")
        and "diff" in result
    ):
        return [", ".join(result.get("actions") or [f"remove {r}" for r in result.get("removed", ())])]
    return _of_ci(name, result)


def _of_ci(name: str, result: dict[str, Any]) -> list[str]:
    if name == "ci_verify" and result.get("proof"):
        proof = result["proof"]
        covered = "" if proof["coverage"] is None else f", {proof['coverage']:.1f} % covered"
        return [f"{proof['file']}: {proof['conclusion']} after {proof['seconds']:.0f} s{covered}"]
    if name == "github_workflow_swap" and result.get("actions"):
        return [f"{result['actions'][-1]}: {', '.join(each['path'] for each in result['files'])}"]
    if name.startswith(("ci_", "git_", "github_")):
        return list(result.get("actions") or [])
    return []


def closing(host: str, record: dict[str, Any], report: str) -> list[str]:
    """Summarise one recorded run."""
    name = {"succeeded": "succeeded", "reverted": "FAILED, the state before was put back"}.get(
        record["outcome"], "FAILED, and the state before could not be put back"
    )
    took, outage = _told.clock(record["duration"]), f"{record['outage']:.2f} s without an answer"
    lines = [
        f"{host}: {record['kind']} of {record['stack']} from {record['from_version']} to {record['to_version']} {name}",
        f"  took      {took}{_of_budget(record)}, {outage}",
        f"  report    {report} (.html: a page to pass on)",
    ]
    if record["outcome"] == "succeeded" and record["before"]:
        lines.append(f"  to undo   ansible-playbook undo.yml -e run={record['run']}")
    return lines


def _of_budget(record: dict[str, Any]) -> str:
    return f" of {_told.clock(record['budget'])} (tier {record['tier']})" if record["budget"] else ""


def _number(tier: Any) -> int:
    return int(tier) if str(tier).isdecimal() else 0


class CallbackModule(Default):
    """Stdout callback; what it does not override is the default's."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "tiered.rollback.timeline"

    def __init__(self) -> None:
        super().__init__()
        self._begin = time.monotonic()
        self._budget: float | None = None
        self._task = ""
        self._ticking: threading.Event | None = None
        self._summary: list[str] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Print the play's name."""
        self._play = play
        self._display.display(f"\n{play.get_name().strip()}", color=C.COLOR_HIGHLIGHT)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note the step; on a terminal show it counting."""
        self._end_tick()
        role = getattr(task, "_role", None)
        if role is not None and role.get_name(include_role_fqcn=False) == _ROLE:
            # A tier that is a template is that of a fleet, or of a part of another run.
            self._budget = BUDGETS.get(_number(task.get_vars().get("rollback_tier", 1)), _NONE)
        self._task = task.name or task.get_name()
        self._last_task_banner = task._uuid
        if sys.stdout.isatty():
            self._ticking = threading.Event()
            threading.Thread(target=self._tick, args=(self._ticking, self._task), daemon=True).start()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Show a handler as any step."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Say nothing: the step's line comes with its result."""

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print the step's line and what it found."""
        self._end_tick()
        found, action = result.result, result.task.action
        changed = bool(found.get("changed"))
        self._handle_warnings_and_exception(result)
        if action.rpartition(".")[2] == "debug" and "msg" in found:
            self._message(found["msg"])
            return
        if action.rpartition(".")[2] in _SILENT and not self._run_is_verbose(result):
            return
        lines = findings(action, found)
        # An undo has the budget of the tier that it undoes, which is known by now.
        if self._budget != _NONE:
            self._budget = found.get("record", {}).get("budget", self._budget)
        text = self._line(result, "changed" if changed else "ok", lines[0] if lines else "")
        self._display.display(text, color=C.COLOR_CHANGED if changed else C.COLOR_OK)
        for line in lines[1:]:
            self._display.display(f"       {line}", color=C.COLOR_VERBOSE)
        self._note(result)
        if self._run_is_verbose(result):
            self._display.display(self._dump_results(found))

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Say nothing: the steps that are included have lines of their own."""

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Print what was found of one item of a step."""
        found = findings(result.task.action, result.result)
        if found:
            self._end_tick()
            self._display.display(f"       {found[0]}", color=C.COLOR_VERBOSE)

    def v2_runner_retry(self, result: Any) -> None:
        """Say nothing of a look that found a step not over yet."""

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Say nothing of an item that had nothing to do."""

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Print what is wrong with the item as of any step."""
        self.v2_runner_on_failed(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Say nothing of a step that had nothing to do."""
        self._end_tick()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print what is wrong and what to do, each on lines of its own."""
        self._end_tick()
        found = result.result
        if "hint" not in found and not str(found.get("msg", "")).count("HINT: "):
            super().v2_runner_on_failed(result, ignore_errors)
            return
        # Not the exception: it would say the same again, with the place in our own code that says nothing to a user.
        self._handle_warnings(found)
        self._display.display(self._line(result, "FAILED", ""), color=C.COLOR_ERROR)
        for line in str(found["msg"]).splitlines():
            self._display.display(f"       {line}", color=C.COLOR_ERROR)
        self._note(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show it as the default does."""
        self._end_tick()
        super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print what became of each host."""
        self._end_tick()
        self._display.display("")
        for line in self._summary:
            failed = "FAILED" in line
            self._display.display(line, color=C.COLOR_ERROR if failed else C.COLOR_OK)
        for host in sorted(stats.processed):
            counts = stats.summarize(host)
            if counts["unreachable"] or counts["failures"]:
                state = "unreachable" if counts["unreachable"] else "failed"
                self._display.display(f"{host}: {state}", color=C.COLOR_ERROR)
        self._display.display(f"total {_told.clock(time.monotonic() - self._begin)}")

    def _note(self, result: Any) -> None:
        # A role of CI tells the end in its own words; a drill's copy is gone by then, with all its reports.
        record = result.result.get("record", {})
        if "budget" in record and not _drill.is_of(record["stack"], record["run"]):
            self._summary += closing(result.host.get_name(), record, result.result["report"])

    def _line(self, result: Any, state: str, note: str) -> str:
        tail = f"  {note}" if note else ""
        text = f"{result.host.get_name()}: {self._task}{tail}"
        return _told.line(time.monotonic() - self._begin, self._budget, state, text)

    def _message(self, message: Any) -> None:
        for line in message if isinstance(message, list) else str(message).splitlines():
            self._display.display(f"       {line}" if isinstance(message, list) else line)

    def _tick(self, ended: threading.Event, task: str) -> None:
        """Count on the line of the step at work until it ends, then wipe the line."""
        while not ended.wait(_TICK):
            text = _told.line(time.monotonic() - self._begin, self._budget, "...", task)
            sys.stdout.write("\r" + text[: shutil.get_terminal_size().columns - 1])
            sys.stdout.flush()

    def _end_tick(self) -> None:
        if self._ticking is not None:
            self._ticking.set()
            self._ticking = None
            # Erase the line: the result's own is printed in its place.
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
