# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub workflow files: what one says, whether inputs suit it, and which of its actions are not pinned."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

try:
    import yaml
except ImportError as _error:
    MISSING: ImportError | None = _error
else:
    MISSING = None

#: Where GitHub looks for them in a repository.
DIRECTORY = ".github/workflows"
#: The most bytes of one file; no workflow needs as many.
MOST = 512 << 10
#: Of jobs and steps together: with anchors a small file names one list of steps thousands of times.
_MOST_STEPS = 10_000
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_HINT = "Correct the file, or choose the contents of another commit."


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of ``workflow_dispatch``; *default* is None where it has none, *options* are those of a choice."""

    name: str
    type: str
    required: bool
    default: str | None
    options: tuple[str, ...]

    def describe(self) -> str:
        """Say in a few words what may be given."""
        kind = " or ".join(self.options) if self.options else self.type
        return f"{self.name} ({kind}{', required' if self.required and self.default is None else ''})"


@dataclass(frozen=True, kw_only=True)
class Use:
    """A place where a workflow runs code from elsewhere: *where* is as in ``jobs.test.steps[0]``."""

    where: str
    action: str
    ref: str

    @property
    def spelling(self) -> str:
        """The text of ``uses``."""
        return f"{self.action}@{self.ref}" if self.ref else self.action

    @property
    def pinned(self) -> bool:
        """Whether what runs is fixed: by a commit or digest, or because it lies in the same repository."""
        if self.action.startswith("./"):
            return True
        fixed = _DIGEST if self.action.startswith("docker://") else _COMMIT
        return fixed.fullmatch(self.ref) is not None


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow file; *dispatch* is None where it has no ``workflow_dispatch``, *name* the path where it has none."""

    path: str
    name: str
    triggers: tuple[str, ...]
    dispatch: Mapping[str, Input] | None
    jobs: tuple[str, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong with a file: *rule* names what, *where* the place in the file."""

    file: str
    check: str
    rule: str
    where: str
    severity: str
    message: str

    def __str__(self) -> str:
        place = f", {self.where}" if self.where else ""
        return f"{self.file}{place}: {self.message} ({self.check}: {self.rule}, {self.severity})"


def parse(path: str, data: bytes) -> Workflow:
    """Read a workflow file.

    :param path: names it in errors.
    :raises RollbackError: where it is no YAML or no workflow, naming the file and the line.
    """
    document = _load(path, data)
    jobs = document.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        raise RollbackError(f"{path} is no workflow: it has no jobs", _HINT)
    triggers = _triggers(document.get("on"))
    if not triggers:
        raise RollbackError(f"{path} is no workflow: it has no triggers ('on')", _HINT)
    places = list(itertools.islice(_places(jobs), _MOST_STEPS + 1))
    if len(places) > _MOST_STEPS:
        raise RollbackError(f"{path} has more than {_MOST_STEPS} steps", _HINT)
    inputs = _mapping(_mapping(triggers, "workflow_dispatch"), "inputs")
    return Workflow(
        path=path,
        name=_text(document, "name") or path,
        triggers=tuple(triggers),
        dispatch={name: _input(name, inputs) for name in inputs} if "workflow_dispatch" in triggers else None,
        jobs=tuple(jobs),
        uses=tuple(_use(where, used) for where, place in places if (used := _text(place, "uses"))),
    )


def check_inputs(workflow: Workflow, inputs: Mapping[str, object]) -> None:
    """Refuse inputs that GitHub would answer with 422.

    :raises RollbackError: listing what is wrong and which inputs there are.
    """
    if workflow.dispatch is None:
        raise RollbackError(
            f"{workflow.path} cannot be started by request: it has no workflow_dispatch",
            f"Add workflow_dispatch to its triggers ({', '.join(workflow.triggers)}), or name another workflow.",
        )
    wrong = [f"there is no input {name}" for name in inputs if name not in workflow.dispatch]
    for name, known in workflow.dispatch.items():
        if name in inputs:
            wrong += _unsuited(known, inputs[name])
        elif known.required and known.default is None:
            wrong.append(f"{name} is required")
    if wrong:
        exists = ", ".join(each.describe() for each in workflow.dispatch.values()) or "none"
        raise RollbackError(f"{workflow.path} does not take these inputs: {'; '.join(wrong)}", f"It has: {exists}.")


def unpinned(workflow: Workflow, before: Collection[Workflow] = ()) -> list[Finding]:
    """Find what is neither pinned nor used in the same spelling by one of the workflows *before*."""
    known = {use.spelling for each in before for use in each.uses}
    return [
        Finding(
            file=workflow.path,
            check="pins",
            rule="unpinned",
            where=use.where,
            severity="high",
            message=f"{use.spelling} is not pinned to a commit, and was not used before",
        )
        for use in workflow.uses
        if not use.pinned and use.spelling not in known
    ]


def _load(path: str, data: bytes) -> dict[str, Any]:
    if MISSING is not None:
        raise RollbackError("the Python package PyYAML is missing", "Install it for Ansible's interpreter.")
    if len(data) > MOST:
        raise RollbackError(f"{path} is larger than {MOST >> 10} kB", _HINT)
    try:
        # Every scalar stays text: YAML 1.1 would read the key 'on' as true, and 3.10 as 3.1.
        document = yaml.load(data.decode(), Loader=yaml.BaseLoader)  # nosec B506  # it makes texts, lists and mappings only
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RollbackError(f"{path}{line} is no YAML: {error.problem}", _HINT) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RollbackError(f"{path} is no YAML: {' '.join(str(error).split()):.200}", _HINT) from error
    if not isinstance(document, dict):
        raise RollbackError(f"{path}, line 1 is no workflow: it is no mapping", _HINT)
    return document


def _triggers(value: Any) -> dict[str, Any]:
    """Return the triggers, which may be written as one name, a list of them or a mapping."""
    if isinstance(value, dict):
        return value
    return {name: {} for name in (value if isinstance(value, list) else [value]) if name and isinstance(name, str)}


def _input(name: str, inputs: Mapping[str, Any]) -> Input:
    raw = _mapping(inputs, name)
    return Input(
        name=name,
        type=_text(raw, "type") or "string",
        required=(_text(raw, "required") or "").lower() == "true",
        default=_text(raw, "default"),
        options=tuple(option for option in _list(raw, "options") if isinstance(option, str)),
    )


def _places(jobs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every job and step, with its place."""
    for name in jobs:
        job = _mapping(jobs, name)
        yield f"jobs.{name}", job
        for number, step in enumerate(_list(job, "steps")):
            yield f"jobs.{name}.steps[{number}]", step if isinstance(step, dict) else {}


def _use(where: str, text: str) -> Use:
    action, sign, ref = text.rpartition("@")
    return Use(where=where, action=action if sign else text, ref=ref if sign else "")


def _unsuited(known: Input, value: object) -> list[str]:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    suits = {
        "choice": text in known.options,
        "boolean": text in ("true", "false"),
        "number": _NUMBER.fullmatch(text) is not None,
    }
    return [] if suits.get(known.type, True) else [f"{known.name} is {text!r:.60}, and has to be {_wanted(known)}"]


def _wanted(known: Input) -> str:
    return " or ".join(known.options) if known.type == "choice" else f"a {known.type}"


# Nothing has compared the file with a schema: anything may stand anywhere.


def _mapping(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _list(parent: Mapping[str, Any], key: str) -> list[Any]:
    found = parent.get(key)
    return found if isinstance(found, list) else []


def _text(parent: Mapping[str, Any], key: str) -> str | None:
    found = parent.get(key)
    return found if isinstance(found, str) else None
