# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: checklists that name what they need, turned into checks of the stack at hand (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack

_SPEC: dict[str, dict[str, Any]] = {
    "description": {"type": "str", "default": ""},
    "budgets": {"type": "dict", "default": {}},
    "checks": {"type": "list", "elements": "dict", "required": True},
}
#: What a profile's check can be made once for each of.
EVERY = ("api", "page", "service", "database", "sqlite", "mcp", "prometheus", "alertmanager")
_LACKING = {
    "api": "no service has a check",
    "page": "verify_pages names no page",
    "service": "the project has no service",
    "database": "rollback_stack describes no database",
    "sqlite": "rollback_stack.sqlite is empty",
    "mcp": "rollback_stack describes no mcp",
    "prometheus": "verify_prometheus is not set",
    "alertmanager": "verify_alertmanager is not set",
}


@dataclass(frozen=True, kw_only=True)
class Material:
    """What there is to check.

    :param services: names of the services that are meant to run.
    :param pages: URLs of pages, whose budget is another than that of an API.
    :param servers: URLs of ``prometheus`` and ``alertmanager``.
    """

    stack: Stack
    services: Sequence[str]
    pages: Sequence[str]
    servers: Mapping[str, str | None]


def expand(
    profile: Mapping[str, Any], overrides: Mapping[str, Any], material: Material
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a profile's checks for a stack, and what of it cannot be checked there.

    :param overrides: budgets in place of the profile's.
    :raises RollbackError: for a profile that is malformed, or a budget that it does not have.
    """
    values = _stack.validated(_SPEC, profile, "the profile")
    if unknown := sorted(set(overrides) - set(values["budgets"])):
        raise RollbackError(
            f"the profile has no budget {', '.join(unknown)}",
            f"Its budgets: {', '.join(sorted(values['budgets'])) or 'none'}.",
        )
    budgets = {**values["budgets"], **overrides}
    checks, left_out = [], []
    for n, raw in enumerate(values["checks"]):
        every = raw.get("every")
        body = {key: _budget(value, budgets, f"checks[{n}].{key}") for key, value in raw.items() if key != "every"}
        if every is None:
            checks.append(body)
            continue
        if every not in EVERY:
            raise RollbackError(f"the profile's checks[{n}] is for every {every!r:.80}", f"Known: {', '.join(EVERY)}.")
        found = _each(every, body, material)
        checks += found
        left_out += [] if found else [f"{_what(body, every)}: {_LACKING[every]}"]
    return checks, left_out


def as_data(check: Check) -> dict[str, Any]:
    """Return a service's check as a user would write it."""
    return {
        "name": check.name,
        "url": check.url,
        "method": check.method,
        "status": list(check.status),
        "json": dict(check.json),
        "headers": dict(check.headers),
        "body": check.body,
        "timeout": check.timeout,
        "contains": check.contains,
        "answer_headers": dict(check.answer_headers),
    }


def _each(every: str, body: Mapping[str, Any], material: Material) -> list[dict[str, Any]]:
    stack, pages = material.stack, set(material.pages)
    if every == "api":
        return [{**as_data(check), **body} for check in stack.checks if check.url not in pages]
    if every == "page":
        return [{"name": f"page {url}", "url": url, **body} for url in material.pages]
    if every == "service":
        return [{"container": name, **body} for name in material.services]
    if every == "database":
        return [{"name": f"query {name}", "database": name, **body} for name in stack.database_names]
    if every == "sqlite":
        return [{"sqlite": each.name, **body} for each in stack.sqlite]
    there = stack.mcp is not None if every == "mcp" else bool(material.servers.get(every))
    return [dict(body)] if there else []


def _budget(value: Any, budgets: Mapping[str, Any], where: str) -> Any:
    """Return a value, or the budget that ``budget:NAME`` stands for."""
    if not isinstance(value, str) or not value.startswith("budget:"):
        return value
    name = value.removeprefix("budget:")
    if name not in budgets:
        raise RollbackError(f"the profile's {where} names budget {name}, which it does not have", "Add it to budgets.")
    return budgets[name]


def _what(body: Mapping[str, Any], every: str) -> str:
    return str(body.get("name") or next(iter(body), every))
