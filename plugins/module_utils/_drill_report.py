# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill came to, as data, and told in Markdown (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _outcome, _report_tables
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain, table
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run, seconds_between

_LEFT_OUT = 20
#: What a person states where a database cannot be asked for its schema, and what a drill states in that place.
_STATED = "-e schema_compatible=true"


def record(
    run: Run,
    plan: Mapping[str, Any],
    fault: Mapping[str, Any] | None,
    rolled: Mapping[str, Any] | None,
    found: Mapping[str, Any],
    ended: str,
) -> dict[str, Any]:
    """Return everything there is to say of a drill, as JSON types.

    :param fault: what was injected; None where it did not come to that.
    :param rolled: the record of the tier's run on the staging copy; None where it did not come to that.
    :param found: ``error`` (of any step), ``checks`` (of the copy afterwards) and ``data`` (by database and table).
    """
    tier = _of_the_tier(rolled) if rolled else _no_tier(run)
    problems = _problems(plan, fault, rolled, tier, found)
    return {
        **tier,
        "run": run.id,
        "stack": plan["stack"],
        "host": run.host,
        "user": run.user,
        "playbook": run.playbook,
        "reason": run.reason or f"drill: {plan['does']}",
        "decision": None,
        "kind": _drill.KIND,
        "tier": plan["tier"],
        "budget": plan["budget"],
        "from_version": plan["from_version"],
        "to_version": plan["version"],
        "target": plan["point"],
        # There is nothing to undo.
        "before": None,
        "databases": {},
        "ended": ended,
        "outcome": _outcome.FAILED if problems else _outcome.SUCCEEDED,
        "error": "; ".join(problems) or None,
        "checks_after": list(found.get("checks") or ()),
        "drill": {
            **{key: plan[key] for key in ("name", "fault", "does", "service", "seed", "without", "unasked")},
            "schema_compatible": plan["schema_compatible"],
            "injected": fault["injected"] if fault else None,
            "noticed": fault["noticed"] if fault else None,
            "noticed_after": fault["noticed_after"] if fault else None,
            "said": fault["said"] if fault else None,
            "load": fault["probe"] if fault else {},
            "recovered_after": _recovered(fault, rolled),
            "data": dict(found.get("data") or {}),
            "left_out": list(plan.get("left_out") or ())[:_LEFT_OUT],
        },
    }


def _of_the_tier(rolled: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's record with its times counted from when the tier began, not from the drill's launch."""
    phases = rolled.get("phases") or []
    begun = phases[0]["after"] if phases else 0.0
    return {
        **rolled,
        "duration": round(rolled["duration"] - begun, 3),
        "phases": [{**phase, "after": round(phase["after"] - begun, 3)} for phase in phases],
    }


def _no_tier(run: Run) -> dict[str, Any]:
    empty: dict[str, Any] = {"plan": {"steps": []}, "phases": [], "probe": {}, "checks_before": []}
    return {**empty, "started": run.started, "duration": 0.0, "outage": None}


def _problems(
    plan: Mapping[str, Any],
    fault: Mapping[str, Any] | None,
    rolled: Mapping[str, Any] | None,
    tier: Mapping[str, Any],
    found: Mapping[str, Any],
) -> list[str]:
    """Say what kept the drill from succeeding."""
    problems = [str(found["error"])] if found.get("error") else []
    if not problems and (fault is None or rolled is None):
        problems.append("it did not come to a rollback")
    if rolled and rolled.get("outcome") != _outcome.SUCCEEDED and not problems:
        problems.append(f"tier {plan['tier']} failed: {rolled.get('error')}")
    if rolled and tier["duration"] > plan["budget"]:
        problems.append(f"tier {plan['tier']} took {tier['duration']:.1f} s, more than its {plan['budget']} s")
    problems += [f"{c['name']}: {c['found']}" for c in found.get("checks") or () if not c["ok"]]
    for name, tables in (found.get("data") or {}).items():
        problems += [
            f"{name}: {each['table']} lacks {each['removed']} rows of the restore point and has {each['changed'] or 0} "
            "changed"
            for each in tables
            if each["removed"] or each["changed"]
        ]
    return problems


def _recovered(fault: Mapping[str, Any] | None, rolled: Mapping[str, Any] | None) -> float | None:
    """Return the seconds from the fault to the end of a tier that succeeded."""
    if not fault or not rolled or rolled.get("outcome") != _outcome.SUCCEEDED:
        return None
    return seconds_between(fault["injected"], rolled["ended"])


def markdown(full: Mapping[str, Any]) -> str:
    """Render a record."""
    drill = full["drill"]
    good = full["outcome"] == _outcome.SUCCEEDED
    lines = [
        f"# Drill report: {full['stack']}, {drill['fault']}",
        "",
        f"**Drill {'succeeded' if good else 'FAILED'}.** Production was not touched.",
        "",
        *table(("", ""), _report_tables.identity(full)),
        *table(("metric", "value"), _figures(full)),
    ]
    if full.get("error"):
        lines += ["## What went wrong", "", "```", plain(full["error"]), "```", ""]
    lines += ["## Rows that differ from the restore point", "", *table(*_report_tables.rows_lost(drill["data"]))]
    if drill["left_out"]:
        lines += ["## Not copied", "", *(f"- {plain(path)}" for path in drill["left_out"]), ""]
    lines += ["## Phases of the tier", "", *table(*_report_tables.phases(full))]
    lines += ["## Actions", "", *table(*_report_tables.actions(full))]
    lines += ["## Checks of the copy afterwards", "", *table(*_report_tables.checks(full["checks_after"]))]
    for title, probes in (("Load until the fault was noticed", drill["load"]), ("Load during the tier", full["probe"])):
        lines += [f"## {title}", "", *table(*_report_tables.probes(probes))]
    lines += ["## Next steps", "", *(f"- [ ] {step}" for step in next_steps(full)), ""]
    return "\n".join(lines)


def _figures(full: Mapping[str, Any]) -> Sequence[tuple[str, object]]:
    drill = full["drill"]
    noticed = "by nothing" if drill["noticed_after"] is None else f"after {drill['noticed_after']:.1f} s"
    recovered = "not" if drill["recovered_after"] is None else f"after {drill['recovered_after']:.1f} s"
    return [
        ("fault", f"{drill['fault']} ({drill['does']}), into {drill['service']}"),
        ("seed", drill["seed"]),
        ("noticed", noticed),
        ("tier", f"{full['tier']}: {full['duration']:.1f} s of {full['budget']} s"),
        *([("stated", f"{_STATED}: the server that is hit cannot be asked")] if drill["schema_compatible"] else []),
        ("recovered from the fault", recovered),
        ("restore point", full["target"]),
        ("taken back from", full["from_version"]),
        ("left out", ", ".join(drill["without"]) or "nothing"),
        ("checks that lead elsewhere and were not made", ", ".join(drill["unasked"]) or "none"),
    ]


def next_steps(full: Mapping[str, Any]) -> list[str]:
    """Return what is to be done after a drill."""
    drill = full["drill"]
    again = (
        f"`ansible-playbook drill.yml -e fault={drill['fault']} -e seed={drill['seed']} -e service={drill['service']}`"
    )
    if full["outcome"] != _outcome.SUCCEEDED:
        return ["Find out why before an emergency does.", f"Then rehearse the same again: {again}."]
    steps = [] if drill["noticed_after"] is not None else ["No check noticed the fault: add one that does."]
    if drill["schema_compatible"]:
        steps.append(f"In an emergency too Tier 1 needs `{_STATED}` while the database's server does not answer.")
    return [*steps, f"To rehearse the same again: {again}."]
