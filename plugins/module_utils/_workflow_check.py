# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New contents of workflow files, checked before anything is committed: what is wrong now and was not before."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _command, _names, _workflow
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._workflow import DIRECTORY, Finding, Workflow

CHECKS = ("schema", "security", "pins")
_TIMEOUT = 120
_LONGEST = 300


def read(directory: Path, files: Collection[str] = ()) -> dict[str, bytes]:
    """Return the contents of a checkout's workflow files by path, of all of them where none is named.

    :raises RollbackError: when there is none, or not the one that is named.
    """
    found = [str(path.relative_to(directory)) for path in sorted((directory / DIRECTORY).glob("*.y*ml"))]
    hint = f"There are: {', '.join(found) or 'none'}."
    if not found and not files:
        raise RollbackError(f"{directory} has no workflow files in {DIRECTORY}", "Name the top of a checkout.")
    contents = {}
    for path in files or found:
        try:
            with (directory / _names.relative_path(path, "files")).open("rb") as file:
                contents[path] = file.read(_workflow.MOST + 1)
        except OSError as error:
            raise RollbackError(f"{path} cannot be read: {error.strerror}", hint) from error
    return contents


def validate(
    before: Mapping[str, bytes | None], after: Mapping[str, bytes | None], checks: Collection[str] = CHECKS
) -> list[Finding]:
    """Find what is wrong with workflow files that was not wrong with the same files before.

    A file that is no workflow is a finding whatever the checks, and whatever it was before.

    :param before: contents by path; None and what is missing: there was no such file.
    :param after: contents by path; None: the file goes away.
    :param checks: some of :data:`CHECKS`.
    :raises RollbackError: when a check's tool is not installed or fails.
    """
    findings = []
    readable: dict[str, bytes] = {}
    workflows = []
    for path, data in after.items():
        if data is None:
            continue
        try:
            workflows.append(_workflow.parse(path, data))
        except RollbackError as error:
            findings.append(_finding(path, "schema", "no-workflow", "", "high", error.message))
        else:
            readable[path] = data
    was = {path: data for path, data in before.items() if data is not None}
    for check, find in (("schema", _schema), ("security", _security)):
        if check in checks and readable:
            findings += _new(find, {path: was[path] for path in readable if path in was}, readable)
    if "pins" in checks:
        known = _readable(was)
        findings += [finding for workflow in workflows for finding in _workflow.unpinned(workflow, known)]
    return sorted(findings, key=lambda found: (found.file, CHECKS.index(found.check), found.where, found.rule))


def _readable(contents: Mapping[str, bytes]) -> list[Workflow]:
    found = []
    for path, data in contents.items():
        try:
            found.append(_workflow.parse(path, data))
        except RollbackError:
            # What cannot be read uses nothing.
            continue
    return found


def _new(
    find: Callable[[Mapping[str, bytes]], list[Finding]], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[Finding]:
    found = find(after)
    # Nothing has to be compared where nothing is wrong.
    known = {_key(finding) for finding in find(before)} if found and before else set()
    return [finding for finding in found if _key(finding) not in known]


def _key(finding: Finding) -> tuple[str, ...]:
    """Return what makes two findings the same; lines and wording may change without anything being worse."""
    return finding.file, finding.rule, finding.where, finding.severity


def _schema(contents: Mapping[str, bytes]) -> list[Finding]:
    """Compare files with GitHub's schema of workflows, as the tool carries it."""
    tool = _tool("check-jsonschema")
    with tempfile.TemporaryDirectory() as scratch:
        files = _write(Path(scratch), contents)
        options = ["--builtin-schema", "vendor.github-workflows", "--output-format", "JSON", "--color", "never"]
        said = json.loads(_command.run([tool, *options, *files], timeout=_TIMEOUT, accept=(0, 1)))
    findings = []
    for error in said.get("errors", ()):
        # The outermost of the errors says that none of several schemas fits; the deepest says why.
        cause = error.get("best_deep_match") or error
        where = cause["path"].removeprefix("$").lstrip(".")
        findings.append(_finding(files[error["filename"]], "schema", "schema", where, "high", cause["message"]))
    for error in said.get("parse_errors", ()):
        message = error.get("message") or "it cannot be parsed"
        findings.append(_finding(files[error["filename"]], "schema", "parse", "", "high", message))
    return findings


def _security(contents: Mapping[str, bytes]) -> list[Finding]:
    """Look for what zizmor knows to be dangerous."""
    tool = _tool("zizmor")
    findings = []
    with tempfile.TemporaryDirectory() as scratch:
        # One that is named takes the place of any that the environment or a directory above holds.
        config = Path(scratch, "zizmor.yml")
        config.write_text("rules: {}\n", encoding="utf-8")
        options = ["--offline", "--format", "json", "--config", str(config), "--no-exit-codes", "--no-progress", "-q"]
        for file, path in _write(Path(scratch), contents).items():
            # One by one and strict: of several it leaves out, with no more than a warning, those it cannot read.
            said = _command.run([tool, *options, "--strict-collection", file], timeout=_TIMEOUT, accept=(0, 1))
            if said.strip():
                findings += [_audited(path, found) for found in json.loads(said) if not found["ignored"]]
            else:
                message = "zizmor cannot read it as a workflow, so its security is not known"
                findings.append(_finding(path, "security", "unreadable", "", "high", message))
    return findings


def _audited(path: str, found: Mapping[str, Any]) -> Finding:
    primary = next(each["symbolic"] for each in found["locations"] if each["symbolic"]["kind"] == "Primary")
    where = "".join(_part(step) for step in primary["route"]["route"]).lstrip(".")
    message = f"{found['desc']}: {primary['annotation']}"
    return _finding(path, "security", found["ident"], where, found["determinations"]["severity"].lower(), message)


def _part(step: Mapping[str, Any]) -> str:
    return f".{step['Key']}" if "Key" in step else f"[{step['Index']}]"


def _finding(file: str, check: str, rule: str, where: str, severity: str, message: str) -> Finding:
    short = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
    return Finding(file=file, check=check, rule=rule, where=where, severity=severity, message=short)


def _write(directory: Path, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Write contents to files that both tools take for workflows, and return their paths by file."""
    place = directory / ".github" / "workflows"
    place.mkdir(parents=True)
    written = {}
    for number, (path, data) in enumerate(contents.items()):
        file = place / f"{number}.yml"
        file.write_bytes(data)
        written[str(file)] = path
    return written


def _tool(name: str) -> str:
    """Return a tool of the environment that this Python belongs to, else one of the search path."""
    for folder in _folders():
        if found := shutil.which(name, path=folder):
            return found
    raise RollbackError(
        f"{name} is not installed, and workflow files cannot be checked without it",
        f"pip install {name}, for the Python that Ansible uses there ({sys.executable}); requirements.txt has it.",
    )


def _folders() -> Iterator[str]:
    yield str(Path(sys.executable).parent)
    yield os.environ.get("PATH", os.defpath)
