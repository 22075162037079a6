# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback in phases, as a file describes it: read and checked before anything is touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tiered.rollback.plugins.module_utils import _names, _partial, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_STACK_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "revert": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "list", "elements": "str", "default": []},
    "flags": {"type": "dict", "default": {}},
    "config": {"type": "str"},
    "validate": {"type": "list", "elements": "dict", "default": []},
}
_CI_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "str", "required": True},
    "to": {"type": "str"},
    "validate": {"type": "list", "elements": "str", "default": []},
    "lacks": {"type": "list", "elements": "str", "default": []},
}
_DOCUMENTED = {"stack": "tier3.md", "ci": "ci.md"}


def load(path: str, kind: str) -> list[dict[str, Any]]:
    """Return the phases of a file, each with every key.

    :param kind: ``stack`` or ``ci``.
    :raises RollbackError: naming the phase and the key that is wrong.
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RollbackError(f"the plan {path} cannot be read: {error}", "It is a file on the controller.") from error
    except yaml.YAMLError as error:
        raise RollbackError(f"the plan {path} is not YAML: {' '.join(str(error).split())}", "Correct it.") from error
    phases = document.get("phases") if isinstance(document, Mapping) else None
    if not isinstance(phases, list) or not phases or set(document) != {"phases"}:
        raise RollbackError(
            f"the plan {path} has to hold a list called 'phases', and nothing else",
            f"See docs/{_DOCUMENTED[kind]} for one.",
        )
    check = {"stack": _stack_phase, "ci": _ci_phase}[kind]
    return [check(raw, f"phase {number} of {path}") for number, raw in enumerate(phases, start=1)]


def name(phases: list[dict[str, Any]]) -> str:
    """Name a plan by what it says, so that another one under the same file name is another plan."""
    return hashlib.sha256(json.dumps(phases, sort_keys=True).encode()).hexdigest()[:12]


def _stack_phase(raw: Any, where: str) -> dict[str, Any]:
    phase = _validated(_STACK_SPEC, raw, where)
    given = {"version": phase["version"]} if phase["version"] is not None else {}
    try:
        _names.launch_values(given, list(given))
        if not _partial.parse(phase["revert"], phase["flags"], phase["config"], phase["keep"]):
            raise RollbackError("nothing is asked for", "Give at least one of revert, flags and config.")
        _stack.checks(phase["validate"], "validate")
    except RollbackError as error:
        raise RollbackError(f"{where}: {error.message}", error.hint) from error
    if bool(phase["revert"]) != bool(phase["version"]):
        raise RollbackError(f"{where} needs both revert and version, or neither", "Say what goes where.")
    return phase


def _ci_phase(raw: Any, where: str) -> dict[str, Any]:
    phase = _validated(_CI_SPEC, raw, where)
    try:
        if not phase["files"]:
            raise RollbackError("files is empty", "Say which files go back.")
        for file in [*phase["files"], *phase["validate"]]:
            _names.launch_values({"files": _names.relative_path(file, "files")}, ["files"])
        if phase["to"] is not None:
            _names.branch(phase["to"], "to")
        for word in phase["lacks"]:
            _names.launch_values({"reason": word}, ["reason"])
    except RollbackError as error:
        raise RollbackError(f"{where}: {error.message}", error.hint) from error
    return phase


def _validated(spec: Mapping[str, Any], raw: Any, where: str) -> dict[str, Any]:
    result = ArgumentSpecValidator(dict(spec)).validate(raw if isinstance(raw, dict) else {})
    if result.error_messages:
        raise RollbackError(f"{where}: {'; '.join(result.error_messages)}", f"Known keys: {', '.join(spec)}.")
    phase = dict(result.validated_parameters)
    try:
        _names.launch_values({"reason": phase["name"]}, ["reason"])
    except RollbackError as error:
        raise RollbackError(f"{where}: {error.message}", error.hint) from error
    return phase
