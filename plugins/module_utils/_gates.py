# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployment gates as data: read, completed by ready profiles, and judged (pure).

A gate that the documents name and that nobody has told how to do is *not configured*, which is no pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _stack, _test_reports
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

PASSED, FAILED, LATE, UNSET, SKIPPED = "passed", "failed", "too late", "not configured", "skipped"
#: The gate that needs no command: the way back is there.
ROLLBACK_PLAN = "rollback_plan"
_TIMEOUT = 1800
_MOST = 7200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
#: Gates that the documents name, with what such a command is like.
READY: Mapping[str, str] = {
    "lint": "[npm, run, lint]",
    "build": "[npm, run, build]",
    "tests": "[npm, test]",
    "coverage": "[npm, run, coverage], with report, at_least and paths",
    "security_scan": "[scripts/scan], which looks for secrets and for dependencies with known flaws",
    "image_build": "[docker, build, -q, .]",
    "unit_tests": "[pytest, -q]",
    "e2e_tests": "[npx, playwright, test]",
    "security_audit": "[npm, audit, --audit-level=high]",
    "benchmarks": "[scripts/bench], with figure and at_most",
    "staging_smoke": "a check: {url: https://staging.example/health}",
    "migration_dry_run": "[alembic, upgrade, head, --sql]",
    ROLLBACK_PLAN: "nothing: it is done by the collection",
}
#: The six layers of document 003, and the list of document 004.
PROFILES: Mapping[str, tuple[str, ...]] = {
    "layers": ("lint", "build", "tests", "coverage", "security_scan", "image_build"),
    "platform": (
        "unit_tests",
        "e2e_tests",
        "security_audit",
        "benchmarks",
        "staging_smoke",
        "migration_dry_run",
        ROLLBACK_PLAN,
    ),
}
#: What document 003 asks of a coverage that nobody says more of.
_COVERAGE = 55.0
GATE_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "command": {"type": "raw"},
    "shell": {"type": "bool", "default": False},
    "cwd": {"type": "str"},
    "env": {"type": "dict", "default": {}, "no_log": True},
    "timeout": {"type": "int", "default": _TIMEOUT},
    "check": {"type": "dict"},
    "figure": {"type": "str"},
    "report": {"type": "str"},
    "at_most": {"type": "float"},
    "at_least": {"type": "float"},
    "paths": {"type": "dict", "default": {}},
}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate.

    :param argv: what is run; empty where it is a check, or nobody has said.
    :param cwd: relative to the project's directory, or absolute; None: there.
    :param check: a check of any kind that there is.
    :param figure: regular expression whose group is a number in what the command printed; the last match counts.
    :param report: coverage report that the command writes.
    :param at_most: limit of the figure, or of the report's total; *at_least* likewise.
    :param paths: by pattern of source files, the percentage of their lines that must be covered.
    """

    name: str
    argv: tuple[str, ...] = ()
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: int = _TIMEOUT
    check: Mapping[str, Any] | None = None
    figure: str | None = None
    report: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    paths: Mapping[str, float] = field(default_factory=dict)

    @property
    def configured(self) -> bool:
        """Whether it is known how to do it."""
        return bool(self.argv or self.check is not None or self.name == ROLLBACK_PLAN)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command came to.

    :param code: its exit code; None where it was ended because it took too long.
    :param report: what it wrote as its report; None where there is none, or an old one.
    :param problem: why it could not be run at all.
    """

    code: int | None
    seconds: float
    output: str
    report: bytes | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is told of a gate; *tail* is the last that its command printed."""

    name: str
    state: str
    found: str
    expected: str = ""
    seconds: float = 0.0
    tail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it lets a deployment pass."""
        return self.state in (PASSED, SKIPPED)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**asdict(self), "ok": self.ok}


def parse(raw: Sequence[Any], where: str) -> list[Gate]:
    """Read gates; an entry with only C(profile) stands for those of it that are not listed themselves.

    :raises RollbackError: naming the key that is wrong, and what would be right.
    """
    listed = [entry for entry in raw if not (isinstance(entry, Mapping) and "profile" in entry)]
    gates = [_gate(_named(entry), f"{where}[{raw.index(entry)}]") for entry in listed]
    known = [gate.name for gate in gates]
    for name in known:
        if known.count(name) > 1:
            raise RollbackError(f"{where}: two gates are called {name}", "Give each a name of its own.")
    for number, entry in enumerate(raw):
        if isinstance(entry, Mapping) and "profile" in entry:
            added = [name for name in _profile(entry, f"{where}[{number}]") if name not in known]
            gates += [_gate({"name": name}, where) for name in added]
            known += added
    return gates


def skipping(gates: Sequence[Gate], names: Collection[str], reason: str | None) -> set[str]:
    """Return the names of gates that are left out.

    :raises RollbackError: for one that is unknown, and where nobody says why.
    """
    known = [gate.name for gate in gates]
    if unknown := sorted(set(names) - set(known)):
        raise RollbackError(f"there is no gate {', '.join(unknown)} to skip", f"Gates: {', '.join(known) or 'none'}.")
    if names and not reason:
        raise RollbackError(
            f"{', '.join(sorted(names))} cannot be skipped without a reason",
            "Add -e 'override_reason=\"...\"', which is kept with the report and the ledger.",
        )
    return set(names)


def judge(gate: Gate, ran: Ran, masked: str) -> Verdict:
    """Say what a command's end means.

    :param masked: the last that it printed, without secrets.
    """
    state, found = _state(gate, ran)
    return Verdict(
        name=gate.name, state=state, found=found, expected=expected(gate), seconds=round(ran.seconds, 1), tail=masked
    )


def unset(gate: Gate) -> Verdict:
    """Say of a gate that nobody has told how to do it."""
    return Verdict(
        name=gate.name,
        state=UNSET,
        found="nobody has said how to do it",
        expected=f"command, such as {READY[gate.name]}",
    )


def expected(gate: Gate) -> str:
    """Say what a gate demands."""
    if gate.check is not None:
        return "the check holds"
    limits = [f"at most {gate.at_most:g}" if gate.at_most is not None else ""]
    limits += [f"at least {gate.at_least:g}" if gate.at_least is not None else ""]
    limits += [f"{path} at least {percent:g} %" for path, percent in gate.paths.items()]
    return ", ".join(["exit code 0", *filter(None, limits)])


def _named(entry: Any) -> Any:
    """A gate may be given by its name alone."""
    return {"name": entry} if isinstance(entry, str) else entry


def _profile(entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if set(entry) != {"profile"} or entry["profile"] not in PROFILES:
        raise RollbackError(f"{where} is no profile: {dict(entry)!r:.80}", f"Profiles: {', '.join(PROFILES)}.")
    return PROFILES[entry["profile"]]


def _gate(raw: Any, where: str) -> Gate:
    spec = {key: dict(entry) for key, entry in GATE_SPEC.items()}
    values = _stack.validated(spec, raw, where)
    name, command, shell = values["name"], values.pop("command"), values.pop("shell")
    if not _NAME.fullmatch(name):
        raise RollbackError(f"{where}.name is malformed: {name!r:.60}", "Use letters, digits, '_' and '-'.")
    where = f"{where} ({name})"
    values["argv"] = _argv(command, where, line=shell)
    if command is None and values["check"] is None and name not in READY:
        raise RollbackError(f"{where} has neither command nor check", f"Ready gates: {', '.join(READY)}.")
    if command is not None and values["check"] is not None:
        raise RollbackError(f"{where} has both command and check", "Make two gates of it.")
    if not 0 < values["timeout"] <= _MOST:
        raise RollbackError(f"{where}.timeout must be above 0 and at most {_MOST} seconds", "Leave it out for 1800.")
    values["env"] = {str(key): str(value) for key, value in values["env"].items()}
    values["paths"] = {str(path): _percent(value, f"{where}.paths[{path}]") for path, value in values["paths"].items()}
    _refuse_limits(values, where)
    if name == "coverage" and values["at_least"] is None and not values["paths"]:
        values["at_least"] = _COVERAGE
    return Gate(**values)


def _argv(command: Any, where: str, *, line: bool) -> tuple[str, ...]:
    if command is None:
        return ()
    if line:
        if not isinstance(command, str) or not command.strip():
            raise RollbackError(f"{where}.command must be a text with shell: true", "Write the line for the shell.")
        return ("/bin/sh", "-c", command)
    if not (isinstance(command, (list, tuple)) and command and all(isinstance(part, (str, int)) for part in command)):
        raise RollbackError(
            f"{where}.command must be a list of arguments",
            "Write [npm, run, lint]; or add shell: true for a line that a shell has to read.",
        )
    return tuple(str(part) for part in command)


def _percent(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 100:
        raise RollbackError(f"{where} must be a percentage: {value!r:.40}", "Write a number from 0 to 100.")
    return number


def _refuse_limits(values: Mapping[str, Any], where: str) -> None:
    """Refuse limits of nothing, figures without a limit, and both of one gate."""
    limits = [key for key in ("at_most", "at_least") if values[key] is not None]
    if values["figure"] and values["report"]:
        raise RollbackError(f"{where} has both figure and report", "Make two gates of it.")
    if limits and not (values["figure"] or values["report"]):
        raise RollbackError(f"{where}.{limits[0]} is a limit of nothing", "Say where the figure is: figure or report.")
    if values["paths"] and not values["report"]:
        raise RollbackError(f"{where}.paths needs a report", "Name the coverage report that the command writes.")
    if values["figure"]:
        try:
            groups = re.compile(values["figure"]).groups
        except re.error as error:
            raise RollbackError(f"{where}.figure is no regular expression: {error}", "See Python's re.") from error
        if groups != 1 or not limits:
            raise RollbackError(
                f"{where}.figure needs one group and a limit", "For example figure: 'p95=([0-9.]+)' with at_most: 500."
            )
    if values["report"] and not values["argv"]:
        raise RollbackError(f"{where}.report needs the command that writes it", "An old report proves nothing.")


def _state(gate: Gate, ran: Ran) -> tuple[str, str]:
    if ran.problem:
        return FAILED, ran.problem
    if ran.code is None:
        return LATE, f"no end after {gate.timeout} s"
    if ran.code != 0:
        return FAILED, f"exit code {ran.code}"
    problems: list[str] = []
    figures: list[str] = []
    if gate.figure is not None:
        problems, figures = _figure(gate, ran.output)
    if gate.report is not None:
        problems, figures = _covered(gate, ran.report)
    if problems:
        return FAILED, "; ".join(problems)
    return PASSED, "; ".join(figures) or "exit code 0"


def _figure(gate: Gate, output: str) -> tuple[list[str], list[str]]:
    matches = re.findall(gate.figure or "", output)
    try:
        value = float(matches[-1].replace(",", ""))
    except (IndexError, ValueError):
        return [f"it printed no figure that matches {gate.figure}"], []
    return _against(gate, value, f"{value:g}"), [f"{value:g}"]


def _against(gate: Gate, value: float, told: str) -> list[str]:
    if gate.at_most is not None and value > gate.at_most:
        return [f"{told} is more than {gate.at_most:g}"]
    if gate.at_least is not None and value < gate.at_least:
        return [f"{told} is less than {gate.at_least:g}"]
    return []


def _covered(gate: Gate, report: bytes | None) -> tuple[list[str], list[str]]:
    if report is None:
        return [f"it wrote no {gate.report}"], []
    name = gate.report or ""
    try:
        total, files = _test_reports.coverage(name, report), _test_reports.coverage_of_files(name, report)
    except RollbackError as error:
        return [error.message], []
    if total is None:
        return [f"{name} is no coverage report, or has measured nothing"], []
    problems = _against(gate, total, f"{total:.1f} %")
    for path, percent in gate.paths.items():
        counts = [files[file] for file in files if _matches(file, path)]
        there = sum(lines for _hit, lines in counts)
        part = 100 * sum(hit for hit, _lines in counts) / there if there else None
        if part is None:
            problems.append(f"{name} says nothing of {path}")
        elif part < percent:
            problems.append(f"{path}: {part:.1f} % is less than {percent:g} %")
    return problems, [f"{total:.1f} % covered"]


def _matches(file: str, pattern: str) -> bool:
    """Whether a file is meant: a pattern as Jest's, or a directory; ``**/`` is any number of directories, or none."""
    file, pattern = file.removeprefix("./"), pattern.removeprefix("./")
    inside = pattern.rstrip("/") + "/"
    return fnmatchcase(file, pattern.replace("**/", "*")) or file.startswith(inside) or f"/{inside}" in f"/{file}"
