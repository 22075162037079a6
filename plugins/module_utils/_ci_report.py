# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback of CI came to, as data, and the same told to a person in Markdown (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _report_tables, _stages
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain, table
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run

#: Kind of a run that rolled CI back, and left the stack as it was.
CI = "ci"
_NEXT = {
    _outcome.SUCCEEDED: (
        "Identify the root cause in {before}.",
        "Plan the way forward: recover-forward.yml takes fixes to a branch of their own, each proven by CI.",
    ),
    _outcome.FAILED: (
        "Mend what the error says and run the same command again; what was done already is not done twice.",
        "Escalate when CI blocks a deployment.",
    ),
}
#: Figures of a workflow that a person compares, with what they are called.
_FIGURES = {
    "pass_rate": "runs that succeed (%)",  # nosec B105  # of runs that passed
    "seconds": "newest run (s)",
    "median_seconds": "median run (s)",
    "coverage": "coverage (%)",
    "test_failure_rate": "tests that fail (%)",
}


def record(run: Run, stack: str, outcome: str, facts: Mapping[str, Any], ended: str) -> dict[str, Any]:
    """Return everything there is to say of a run, as JSON types; the report is this and nothing else."""
    return {
        **facts,
        **_outcome.of_run(run, stack, ended),
        "kind": CI,
        "tier": 3,
        "outcome": outcome,
        "times": _stages.times(run),
    }


def summary(full: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a record that the ledger keeps: the line of a run that touched no container."""
    keys = ("run", "stack", "kind", "tier", "user", "reason", "started", "ended", "duration", "outcome")
    return {
        **{key: full[key] for key in keys},
        "from_version": full["before"][:12],
        "to_version": full["after"][:12],
        "target": full["method"],
        # No restore point: git has the state before.
        "before": None,
        "outage": None,
        **({"decision": full["decision"]} if full["decision"] else {}),
    }


def markdown(full: Mapping[str, Any]) -> str:
    """Render a record as the notification of document 001: summary, impact, timeline, next steps."""
    succeeded = full["outcome"] == _outcome.SUCCEEDED
    rows = _report_tables.identity(full, "repository", "branch")
    lines = [
        f"# CI rollback report: {full['repository']}, {full['method']}",
        "",
        f"**CI rollback {'succeeded' if succeeded else 'failed'}.**",
        "",
        *table(("", ""), [*rows, ("commit before", full["before"]), ("commit after", full["after"])]),
    ]
    lines += _outcome.decision(full["decision"])
    if full["pull_request"]:
        lines += [f"The branch is protected: the change waits in {plain(full['pull_request'])}.", ""]
    if full["error"]:
        lines += ["## Error", "", "```", plain(full["error"]), "```", ""]
    lines += ["## Impact", "", *_impact(full), "## Actions", ""]
    lines += [*(f"- {plain(action)}" for action in full["actions"]), ""] if full["actions"] else ["None.", ""]
    lines += ["## Proof", "", *table(*_report_tables.proof(full))]
    lines += ["## Figures before", "", *_figures(full["metrics"])]
    lines += ["## Next steps", "", *(f"- [ ] {step}" for step in next_steps(full)), "", *_outcome.escalation(full)]
    return "\n".join(lines)


def next_steps(full: Mapping[str, Any]) -> list[str]:
    """Return what is to be done after a run."""
    steps = [step.format(before=full["before"][:12]) for step in _NEXT[full["outcome"]]]
    return [*steps, f"To undo this run: `{full['undo']}`."] if full["undo"] else steps


def _impact(full: Mapping[str, Any]) -> list[str]:
    rows = [
        ("limits crossed", _told([f"{each['workflow']}: {each['meaning']}" for each in full["triggers"]])),
        ("pull requests blocked", _told([f"#{each['number']}" for each in full["pull_requests"] if each["blocked"]])),
        ("runs cancelled", _told([each["url"] for each in full["cancelled"]])),
        ("runs left alone", _told([each["url"] for each in full["left_alone"]])),
    ]
    return table(("", ""), rows)


def _figures(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [(file, *("-" if found[key] is None else found[key] for key in _FIGURES)) for file, found in metrics.items()]
    return table(("workflow", *_FIGURES.values()), rows)


def _told(entries: Sequence[str]) -> str:
    return "; ".join(entries) or "none"
