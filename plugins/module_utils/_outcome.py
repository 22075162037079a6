# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run came to, as data, and the same told to a person in Markdown (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _masking, _report_tables, _stages
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run, seconds_between

#: Seconds each tier may take (document 004).
BUDGETS: Mapping[int, int] = {1: 300, 2: 1800, 3: 1800}

ESCALATION = ("role", "contact", "responds in", "authority")
#: Kind of a run that goes to a new version.
DEPLOY = "deploy"
SUCCEEDED, REVERTED, FAILED = "succeeded", "reverted", "failed"
#: Of a deployment whose gates did not let it begin.
REFUSED = "refused"
_TITLES = {
    REFUSED: "refused by its gates; nothing was touched",
    SUCCEEDED: "succeeded",
    REVERTED: "failed; the state before was put back",
    FAILED: "failed, and the state before could not be put back",
}
_NEXT = {
    SUCCEEDED: (
        "Identify the root cause of the failure in {from_version}.",
        "Plan the fix and its deployment.",
        "To undo this run: `ansible-playbook undo.yml -e run={run}`.",
    ),
    REVERTED: (
        "The stack runs what it ran before. Look at the error above, then choose another version (`status.yml`).",
        "Escalate when no proven version gets healthy.",
    ),
    FAILED: (
        "Run the same command again (it continues), or `ansible-playbook undo.yml` (it returns to the state before).",
        "Escalate now.",
    ),
}


#: After a deployment, where it differs.
_NEXT_DEPLOYED = {
    SUCCEEDED: (
        "Watch {to_version}; its own restore point is captured once it is accepted.",
        "To go back: `ansible-playbook tier1-emergency.yml -e version={from_version}`.",
        "To undo this run: `ansible-playbook undo.yml -e run={run}`.",
    ),
    REVERTED: (
        "The stack runs what it ran before. Mend {to_version}; it is quarantined where it was tried.",
        "Then release it: `ansible-playbook quarantine.yml -e release={to_version}`.",
    ),
    REFUSED: ("Mend what the gates found, then run the same command again.",),
}


def of_run(run: Run, stack: str, ended: str) -> dict[str, Any]:
    """Return what the record of any run begins with: who ran what, where, when and why, and whom to call."""
    return {
        "run": run.id,
        "stack": stack,
        "host": run.host,
        "user": run.user,
        "playbook": run.playbook,
        "reason": run.reason or "not stated",
        "decision": run.decision,
        "escalation": run.escalation or [],
        "started": run.started,
        "ended": ended,
        "duration": seconds_between(run.started, ended),
    }


def record(journal: Journal, stack: str, ended: str) -> dict[str, Any]:
    """Return everything there is to say of a run, as JSON types; the report is this and nothing else."""
    run, facts = journal.run, journal.facts
    steps = [step for step in journal.steps if step["run"] == run.id and "ended" in step]
    phases = [
        {
            "name": step["name"],
            "after": seconds_between(run.started, step["begun"]),
            "seconds": seconds_between(step["begun"], step["ended"]),
            **({"failed": step["failed"]} if "failed" in step else {}),
        }
        for step in steps
    ]
    return {
        **of_run(run, stack, ended),
        "kind": journal.kind,
        "tier": None if journal.kind == DEPLOY else journal.tier,
        "target": journal.target,
        "before": journal.before,
        "times": _stages.times(run, phases),
        "phases": phases,
        **facts,
        # What failed may quote what it was given.
        "error": _masking.mask(facts.get("error"), journal.secrets),
    }


def refused(
    run: Run, stack: str, versions: tuple[str, str], deployment: Mapping[str, Any], error: str, ended: str
) -> dict[str, Any]:
    """Return what there is to say of a deployment that its gates did not let begin.

    :param versions: the one that runs, and the one that was to be deployed.
    :param error: which gates failed.
    """
    return {
        **of_run(run, stack, ended),
        "kind": DEPLOY,
        "tier": None,
        "target": versions[1],
        "before": None,
        "times": _stages.times(run),
        "phases": [],
        "from_version": versions[0],
        "to_version": versions[1],
        "plan": {"steps": []},
        "budget": None,
        "probe": {},
        "outage": 0.0,
        "outcome": REFUSED,
        "error": error,
        "touched": False,
        "deployment": dict(deployment),
    }


def summary(full: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a record that the ledger keeps."""
    keys = (
        "run",
        "stack",
        "kind",
        "tier",
        "user",
        "reason",
        "from_version",
        "to_version",
        "target",
        "before",
    )
    found = {key: full[key] for key in (*keys, "started", "ended", "duration", "outage", "outcome")}
    found |= {key: full[key] for key in ("scope", "phase", "decision", "event", "forward") if full.get(key) is not None}
    if full["kind"] == DEPLOY:
        said = full.get("deployment") or {}
        found["touched"] = bool(full.get("touched"))
        found["deployment"] = {key: said[key] for key in ("back_to", "skipped", "override_reason") if said.get(key)}
        found["gates"] = {gate["name"]: gate["state"] for gate in said.get("gates") or ()}
    if full["outcome"] == SUCCEEDED and full.get("databases"):
        found["databases"] = full["databases"]
    return found


def markdown(full: Mapping[str, Any]) -> str:
    """Render a record as the report of document 003: from, to, reason, checks, downtime, actions, next steps."""
    title = "Deployment" if full["kind"] == DEPLOY else "Rollback"
    lines = [
        f"# {title} report: {full['stack']}, {full['from_version']} to {full['to_version']}",
        "",
        f"**{full['kind'].capitalize()} {_TITLES[full['outcome']]}.**",
        "",
        *table(("", ""), _report_tables.identity(full)),
        *table(
            ("metric", "value"),
            [
                ("duration", f"{full['duration']:.1f} s{_of_budget(full)}"),
                ("longest time without an answer", f"{full['outage']:.2f} s"),
                ("restore point", full["target"]),
                ("state before kept as", full["before"]),
                (
                    "services that were touched",
                    "all" if full.get("scope") is None else ", ".join(full["scope"]) or "none",
                ),
                ("data loss", loss_in_short(full)),
                ("MCP data", _mcp_data(full)),
            ],
        ),
    ]
    lines += decision(full["decision"])
    lines += _gates(full)
    lines += _databases(full)
    if full.get("error"):
        lines += ["## Error", "", "```", plain(full["error"]), "```", ""]
    lines += ["## Phases", "", *table(*_report_tables.phases(full))]
    lines += ["## Actions", "", *table(*_report_tables.actions(full))]
    for title, key in (("Checks before", "checks_before"), ("Checks after", "checks_after")):
        lines += [f"## {title}", "", *table(*_report_tables.checks(full.get(key, ())))]
    lines += ["## Probe during the run", "", *table(*_report_tables.probes(full["probe"]))]
    lines += ["## Next steps", "", *(f"- [ ] {step}" for step in next_steps(full)), "", *escalation(full)]
    return "\n".join(lines)


def next_steps(full: Mapping[str, Any]) -> list[str]:
    """Return what is to be done after a run."""
    others = _NEXT_DEPLOYED if full.get("kind") == DEPLOY else {}
    return [step.format(**full) for step in others.get(full["outcome"]) or _NEXT[full["outcome"]]]


def _of_budget(full: Mapping[str, Any]) -> str:
    return f" of {full['budget']} s (tier {full['tier']})" if full.get("budget") else ""


def _gates(full: Mapping[str, Any]) -> list[str]:
    """Tell what the gates of a deployment found, and why one was skipped."""
    head, rows = _report_tables.gates(full)
    if not rows:
        return []
    why = (full.get("deployment") or {}).get("override_reason")
    said = [f"Skipped because: {plain(why)}", ""] if why else []
    return ["## Gates", "", *table(head, rows), *said]


def decision(found: Mapping[str, Any] | None) -> list[str]:
    """Tell of a decision in Markdown."""
    rows = decided(found)
    return ["## Decision", "", *table(("", ""), rows)] if rows else []


def decided(found: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Tell what the decision matrix says to a run, who has approved it, and why the matrix was overridden."""
    if not found:
        return []
    told = {
        "severity and issue": f"{found['severity']}/{found['issue']}" if "row" in found else "not stated",
        "the matrix says": found.get("action"),
        "tiers it allows": ", ".join(map(str, found["tiers"])) or "none" if "row" in found else None,
        "deadline": f"{found['within']} s" if found.get("within") else None,
        "row": f"{found['row']} (document {', '.join(found['sources'])})" if "row" in found else None,
        "note": found.get("note"),
        "approval": found.get("approval"),
        "approved by": found.get("approved_by"),
        "approved after": f"{found['approval_seconds']} s" if "approval_seconds" in found else None,
        "overridden because": found.get("override_reason"),
    }
    return [(name, value) for name, value in told.items() if value]


def escalation(full: Mapping[str, Any]) -> list[str]:
    """Tell in Markdown whom to call."""
    rows = escalated(full)
    return ["## Escalation", "", *table(ESCALATION, rows)] if rows else []


def escalated(full: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Tell whom to call, in order: the columns of :data:`ESCALATION`."""
    return [
        (
            str(entry["role"]),
            str(entry.get("contact") or "-"),
            "-" if entry.get("response") is None else f"{entry['response'] / 60:g} min",
            str(entry.get("authority") or "-"),
        )
        for entry in full.get("escalation") or ()
    ]


def loss_in_short(full: Mapping[str, Any]) -> str:
    """Say what of the data the target does not have."""
    if full.get("kind") == "migration":
        return f"not compared; {full.get('before')} holds every database as it was"
    if "loss" not in full:
        return "none: no data was touched"
    if full.get("not_compared"):
        return f"unknown: {'; '.join(full['not_compared'])}; the displaced databases keep what there was"
    tables = [table for found in full["loss"].values() for table in found]
    if not tables:
        return "none: no row differs"
    rows = {key: sum(table[key] or 0 for table in tables) for key in ("added", "changed", "removed")}
    return (
        f"{rows['added']} added, {rows['changed']} changed and {rows['removed']} removed rows since the restore point, "
        "kept in the displaced databases"
    )


def _mcp_data(full: Mapping[str, Any]) -> str:
    done = full.get("mcp")
    if not done:
        return "not touched"
    kept = f"; what was there is kept as {done['before']}" if done["before"] else ""
    return f"{done['files_changed']} files as in {done['restored']}{kept}"


def _databases(full: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    if full.get("databases"):
        lines += ["## Databases", "", *table(*_report_tables.displaced(full))]
    if full.get("loss"):
        lines += ["## Data that the restore point does not have", "", *table(*_report_tables.rows_lost(full["loss"]))]
    if full.get("logs"):
        lines += ["## Logs before", "", *table(*_report_tables.logs(full))]
    return lines


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return the lines of a Markdown table, and an empty one."""
    if not rows:
        return ["None.", ""]
    body = ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body, ""]


def plain(cell: object) -> str:
    """Keep text from outside from breaking out of a table cell or a code block."""
    return str(cell).replace("\n", " ").replace("|", "\\|").replace("```", "'''")
