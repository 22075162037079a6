# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's record as one page that needs nothing beside itself (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _report_tables, _run_pictures, _telling
from ansible_collections.tiered.rollback.plugins.module_utils._markup import (
    Markup,
    cards,
    code,
    element,
    page,
    section,
    table,
)

_STATES: Mapping[str, tuple[str, str]] = {
    _outcome.SUCCEEDED: ("good", "✓ succeeded"),
    _outcome.REVERTED: ("warn", "! failed, state before put back"),
    _outcome.FAILED: ("bad", "✗ failed"),
    _outcome.REFUSED: ("warn", "! refused by its gates"),
}
_NO_STATE = ("soft", "? unknown")
_IDENTITY = ("run", "playbook", "kind", "stack", "repository", "branch", "user", "host", "target", "before", "after")


def render(full: Mapping[str, Any], steps: Sequence[str]) -> str:
    """Return the page.

    :param full: the record of a run, of whichever kind.
    :param steps: what is to be done next; text between backticks is a command.
    """
    title = _telling.headline(full)
    tone, state = _STATES.get(full.get("outcome", ""), _NO_STATE)
    parts = [
        element("p", element("span", state, class_=f"state {tone}")),
        element("h1", title),
        element("p", f"Why: {_telling.known(full, 'reason')}"),
        element("p", f"Began {_telling.moment(full.get('started'))}, by {_telling.known(full, 'user')}", class_="soft"),
        _figures(full),
        *_error(full),
        section("Next steps", element("ul", *(element("li", code(step)) for step in steps))),
        *_timeline(full),
        *_decision(full),
        *_escalation(full),
        *_gates(full),
        *_checks(full),
        *_data(full),
        *_ci(full),
        *_actions(full),
        *_probe(full),
        *_logs(full),
        section("This run", table(("", ""), [(key, full[key]) for key in _IDENTITY if full.get(key) is not None])),
    ]
    return page(f"{title} ({_telling.known(full, 'run')})", *parts)


def _figures(full: Mapping[str, Any]) -> Markup:
    figures: list[tuple[str, object, object]] = [
        ("Took", _telling.seconds(full.get("duration")), _telling.against_budget(full))
    ]
    if full.get("kind") != "ci":
        before = _telling.checks(full, "checks_before")
        figures += [
            ("Longest time without an answer", _telling.outage(full), "on any URL that was asked"),
            ("Data loss", _telling.data_loss_in_figures(full), _telling.data_loss(full)),
            ("Checks after", _telling.checks(full, "checks_after"), f"before: {before}"),
        ]
    return cards(figures)


def _error(full: Mapping[str, Any]) -> list[Markup]:
    return [section("What went wrong", element("pre", full["error"]))] if full.get("error") else []


def _timeline(full: Mapping[str, Any]) -> list[Markup]:
    parts = []
    if full.get("phases"):
        parts.append(section("Timeline", _run_pictures.phases(full)))
        same = table(*_report_tables.phases(full))
        parts.append(element("details", element("summary", "The same as a table"), same))
    if (full.get("answers") or {}).get("urls"):
        legend = element("p", _run_pictures.legend(), class_="soft")
        parts.append(section("Who answered meanwhile", _run_pictures.answers(full), legend))
    return parts


def _decision(full: Mapping[str, Any]) -> list[Markup]:
    told = _outcome.decided(full.get("decision"))
    return [section("Decision and approval", table(("", ""), told))] if told else []


def _escalation(full: Mapping[str, Any]) -> list[Markup]:
    rows = _outcome.escalated(full)
    return [section("Whom to call", table(_outcome.ESCALATION, rows))] if rows else []


def _gates(full: Mapping[str, Any]) -> list[Markup]:
    return _section("Gates", _report_tables.gates(full))


def _checks(full: Mapping[str, Any]) -> list[Markup]:
    """Put what a check found before beside what it found after."""
    before, after = ({c["name"]: c for c in full.get(key) or ()} for key in ("checks_before", "checks_after"))
    rows = [(name, _found(before.get(name)), _found(after.get(name))) for name in {**before, **after}]
    return [section("Checks", table(("check", "before", "after"), rows))] if rows else []


def _found(check: Mapping[str, Any] | None) -> Markup:
    if check is None:
        return element("span", "not made", class_="soft")
    sign, tone = ("✓ ok", "good") if check["ok"] else ("✗ FAILED", "bad")
    return element("span", element("strong", sign, class_=tone), f" {check['found']}")


def _data(full: Mapping[str, Any]) -> list[Markup]:
    lost = _report_tables.rows_lost(full.get("loss") or {})
    return [
        *_section("Data that the restore point does not have", lost),
        *_section("Databases", _report_tables.displaced(full)),
    ]


def _section(title: str, told: _report_tables.Table) -> list[Markup]:
    head, rows = told
    return [section(title, table(head, rows))] if rows else []


def _ci(full: Mapping[str, Any]) -> list[Markup]:
    parts = []
    if full.get("triggers"):
        rows = [(each.get("workflow"), each.get("meaning")) for each in full["triggers"]]
        parts.append(section("Limits that were crossed", table(("workflow", "what it means"), rows)))
    return [*parts, *_section("Proof", _report_tables.proof(full))]


def _actions(full: Mapping[str, Any]) -> list[Markup]:
    if full.get("actions"):
        return [section("What was done", element("ul", *(element("li", action) for action in full["actions"])))]
    return _section("What was run", _report_tables.actions(full))


def _probe(full: Mapping[str, Any]) -> list[Markup]:
    return _section("Requests during the run", _report_tables.probes(full.get("probe") or {}))


def _logs(full: Mapping[str, Any]) -> list[Markup]:
    return _section("Logs before", _report_tables.logs(full))
