# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's record as one page that needs nothing beside itself (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _run_pictures, _telling
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
        rows = [(p["name"], f"{p['after']:.1f}", f"{p['seconds']:.2f}", p.get("failed", "ok")) for p in full["phases"]]
        head = ("phase", "begun after (s)", "took (s)", "result")
        parts.append(element("details", element("summary", "The same as a table"), table(head, rows)))
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
    rows = _outcome.gates(full)
    return [section("Gates", table(("result", "gate", "took (s)", "found"), rows))] if rows else []


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
    parts = []
    if full.get("loss"):
        rows = [
            (f"{name}: {t['table']}", t["added"], "no key" if t["changed"] is None else t["changed"], t["removed"])
            for name, tables in full["loss"].items()
            for t in tables
        ]
        head = ("table", "rows added since", "rows changed since", "rows removed since")
        parts.append(section("Data that the restore point does not have", table(head, rows)))
    if full.get("databases"):
        kept = [(name, entry["displaced"]) for name, entry in full["databases"].items()]
        parts.append(section("Databases", table(("database", "the one before is kept as"), kept)))
    return parts


def _ci(full: Mapping[str, Any]) -> list[Markup]:
    parts = []
    if full.get("triggers"):
        rows = [(each.get("workflow"), each.get("meaning")) for each in full["triggers"]]
        parts.append(section("Limits that were crossed", table(("workflow", "what it means"), rows)))
    if full.get("proof"):
        proof = [
            tuple(p.get(key) for key in ("file", "conclusion", "seconds", "coverage", "url")) for p in full["proof"]
        ]
        head = ("workflow", "conclusion", "took (s)", "coverage (%)", "run")
        parts.append(section("Proof", table(head, proof)))
    return parts


def _actions(full: Mapping[str, Any]) -> list[Markup]:
    if full.get("actions"):
        return [section("What was done", element("ul", *(element("li", action) for action in full["actions"])))]
    steps = (full.get("plan") or {}).get("steps") or ()
    rows = [(s["action"], s["subject"], s["now"], s["target"], s["note"]) for s in steps]
    return [section("What was run", table(("action", "subject", "from", "to", "why"), rows))] if rows else []


def _probe(full: Mapping[str, Any]) -> list[Markup]:
    keys = ("sent", "failed", "unreachable", "longest_gap", "longest_silence")
    rows = [(url, *(probe[key] for key in keys)) for url, probe in (full.get("probe") or {}).items()]
    head = ("URL", "sent", "not good", "no answer", "longest without a good one (s)", "without any (s)")
    return [section("Requests during the run", table(head, rows))] if rows else []


def _logs(full: Mapping[str, Any]) -> list[Markup]:
    rows = [(log["name"], log["lines"], log["errors"], " / ".join(log["last"])) for log in full.get("logs") or ()]
    head = ("container", "lines read", "errors", "the last of them")
    return [section("Logs before", table(head, rows))] if rows else []
