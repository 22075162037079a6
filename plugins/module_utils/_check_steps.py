# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by several requests: log in, create, read, change and delete, with values carried from one to the next."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _http, _masking, _names, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._databases import frozen
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack

try:
    import requests
except ImportError:
    requests = None  # type: ignore[assignment]  # _docker reports the missing package

_STEP_SPEC: dict[str, dict[str, Any]] = {
    **_stack.CHECK_SPEC,
    "method": {"type": "str", "choices": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "default": "GET"},
    "capture": {"type": "dict", "default": {}},
    "capture_headers": {"type": "dict", "default": {}},
}
SPEC: dict[str, dict[str, Any]] = {
    "steps": {"type": "list", "elements": "dict", "required": True},
    "cleanup": {"type": "list", "elements": "dict", "default": []},
    # Passwords are given here.
    "variables": {"type": "dict", "default": {}, "no_log": True},
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_FILLED = ("url", "headers", "body", "json", "contains")
_HINT = "Repeat the request of that step by hand; the steps after it were not taken, the clean-up was."


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse steps that are malformed, or that name a variable which no step before them captures."""
    if not values["steps"]:
        raise RollbackError(f"{where}.steps is empty", "Give at least one request.")
    known = set(values["variables"])
    for part in ("steps", "cleanup"):
        for n, raw in enumerate(values[part]):
            at = f"{where}.{part}[{n}]"
            step = _stack.validated(_STEP_SPEC, raw, at)
            _names.http_url(step["url"], f"{at}.url")
            _refuse_unknown(step, known, at)
            captured = {*step["capture"], *step["capture_headers"]}
            for name in captured:
                if not _NAME.fullmatch(name):
                    raise RollbackError(f"{at} captures into {name!r:.80}", "Use letters, digits and '_' in its name.")
            known |= captured


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Take the steps until one fails, then those of the clean-up, which are taken in any case."""
    variables: dict[str, Any] = dict(values["variables"])
    failures, done = [], 0
    with _checks.session() as client:
        for n, raw in enumerate(values["steps"]):
            if wrong := _take(raw, f"step {n + 1}", variables, client):
                failures.append(wrong)
                break
            done += 1
        for n, raw in enumerate(values["cleanup"]):
            # What was never made has no name to remove it by.
            if _needed(raw) <= variables.keys() and (wrong := _take(raw, f"clean-up step {n + 1}", variables, client)):
                failures.append(wrong)
    # What is captured may be a token.
    told = _masking.mask("; ".join(failures), _masking.lengthy(variables.values()))
    total = len(values["steps"])
    return Found(
        ok=not failures,
        expected=f"{total} steps as described",
        found=told or f"{done} steps",
        hint=_HINT if failures else "",
    )


def fill(value: Any, variables: Mapping[str, Any], *, quoted: bool = False) -> Any:
    """Put variables into a text, or into every text of a list or dictionary; one that stands alone keeps its type.

    :param quoted: for a URL, where a value must stay the part that it was put in for.
    """
    if isinstance(value, Mapping):
        return {key: fill(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [fill(entry, variables) for entry in value]
    if not isinstance(value, str):
        return value
    alone = _VARIABLE.fullmatch(value)
    if alone and not quoted:
        return variables[alone[1]]
    return _VARIABLE.sub(lambda m: quote(str(variables[m[1]]), safe="") if quoted else str(variables[m[1]]), value)


def _take(raw: Mapping[str, Any], what: str, variables: dict[str, Any], client: requests.Session) -> str:
    """Send one request and keep what it captures; return what is wrong, empty where nothing is."""
    step = _stack.validated(_STEP_SPEC, raw, what)
    what = f"{what} ({step['name'] or step['method'] + ' ' + step['url']})"
    step.update({key: fill(step[key], variables, quoted=key == "url") for key in _FILLED})
    step["headers"] = {name: str(value) for name, value in step["headers"].items()}
    check = Check(**frozen({**{key: step[key] for key in _stack.CHECK_SPEC}, "name": what}))
    try:
        answer = _checks.ask(check, client)
        if wrong := _checks.wrong(check, answer):
            return f"{what}: {wrong}"
        document = answer.json() if step["capture"] else None
    except (requests.RequestException, ValueError) as error:
        return f"{what}: {_http.cause(error)}"
    for name, path in step["capture"].items():
        variables[name] = _checks.at(document, str(path))
        if variables[name] is _checks.MISSING:
            del variables[name]
            return f"{what}: JSON {path}, which is {name}, is missing"
    for name, header in step["capture_headers"].items():
        if str(header) not in answer.headers:
            return f"{what}: header {header}, which is {name}, is missing"
        variables[name] = answer.headers[str(header)]
    return ""


def _needed(raw: Any) -> set[str]:
    """Names of the variables in a step."""
    if isinstance(raw, Mapping):
        return {name for entry in raw.values() for name in _needed(entry)}
    if isinstance(raw, list):
        return {name for entry in raw for name in _needed(entry)}
    return set(_VARIABLE.findall(raw)) if isinstance(raw, str) else set()


def _refuse_unknown(step: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in sorted(_needed({key: step[key] for key in _FILLED})):
        if name not in known:
            raise RollbackError(
                f"{where} uses ${{{name}}}, which nothing before it sets",
                f"Set by then: {', '.join(sorted(known)) or 'nothing'}. Capture it before, or give it in variables.",
            )


KIND = Kind(key="steps", spec=SPEC, look=look, refuse=refuse)
