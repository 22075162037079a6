#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gates_run
short_description: Run the gates of a deployment side by side
version_added: 1.0.0
description:
  - Reads every gate before any is run, runs them side by side, each bounded, and says what each found. It fails only
    where a gate is described wrongly; a gate that fails is an answer.
  - A deployment that they refuse gets its report and its line of the ledger here, since nothing else of it happens.
  - Each gate has C(name) and one of two. C(command) is an argument list, or with C(shell) a line for a shell, run in
    C(cwd) (relative to the project's directory), with C(env) beside the environment, for at most C(timeout) seconds
    (1800); one that takes longer is ended with all it started, and has failed. C(check) is a check of any kind that
    M(tiered.rollback.verify_info) has.
  - A command must end with exit code 0. C(figure) is a regular expression whose group is a number in what it printed
    (the last match), C(report) a coverage report that it writes (Cobertura, coverage.py's JSON, LCOV); C(at_most) and
    C(at_least) are limits of the figure, or of the total. C(paths) (pattern of source files to percentage) are limits
    of parts of the report.
  - Gates that the documents name are ready by name. V(rollback_plan) needs nothing else; every other is C(not
    configured) as long as it has neither command nor check, which is no pass.
  - An entry with only C(profile) stands for a list of them. V(layers) is lint, build, tests, coverage, security_scan,
    image_build; V(platform) is unit_tests, e2e_tests, security_audit, benchmarks, staging_smoke, migration_dry_run,
    rollback_plan.
  - Values of environment variables whose names speak of secrets, and of C(env), do not show in what is kept of an
    output.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
options:
  version:
    description: The version that is to be deployed.
    type: str
    required: true
  gates:
    description: The gates; without them those of the stack.
    type: list
    elements: raw
    default: []
  skip:
    description: Names of gates to leave out, which needs O(override_reason).
    type: list
    elements: str
    default: []
  override_reason:
    description: Why gates are left out. It is kept with the report and the ledger.
    type: str
  lock_wait:
    description: Seconds to wait for another run on the same stack, where a deployment that is refused is recorded.
    type: int
    default: 30
attributes:
  check_mode:
    description: Reads the gates and says which are not configured; runs none.
    support: partial
    details: Only a gate that is run tells whether it lets the version pass.
  diff_mode:
    description: Changes nothing of the stack, so there is nothing to show.
    support: none
  idempotent:
    description: What a command does is its own.
    support: none
"""

EXAMPLES = r"""
- name: See whether v1.1.0 may be deployed
  tiered.rollback.gates_run:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v1.1.0
    gates:
      - profile: layers
      - {name: lint, command: [npm, run, lint], timeout: 300}
      - name: coverage
        command: [npm, run, coverage]
        report: coverage/lcov.info
        at_least: 55
        paths: {"src/auth/**/*.ts": 95}
      - {name: smoke, check: {url: "https://staging.example/health"}}
"""

RETURN = r"""
gates:
  description: Every gate, in the order of the description.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    state: {description: "V(passed), V(failed), V(too late), V(not configured) or V(skipped).", type: str}
    ok: {description: Whether it lets the deployment pass., type: bool}
    found: {description: What was found., type: str}
    expected: {description: What was expected., type: str}
    seconds: {description: How long it took., type: float}
    tail: {description: The last that its command printed., type: str}
refused:
  description: Why the deployment is refused; empty where it is not.
  returned: success
  type: str
skipped:
  description: Names of gates that were left out.
  returned: success
  type: list
  elements: str
report:
  description: Path of the report of a deployment that is refused; null where it is not.
  returned: success
  type: str
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _check_kinds,
    _context,
    _files,
    _gate_work,
    _gates,
    _journal,
    _ledger,
    _outcome,
    _owned,
    _reports,
    _situation,
    _verify,
)
from ansible_collections.tiered.rollback.plugins.module_utils._check_kinds import Prepared
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._gates import Gate, Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "version": {"type": "str", "required": True},
    "gates": {"type": "list", "elements": "raw", "default": []},
    "skip": {"type": "list", "elements": "str", "default": []},
    "override_reason": {"type": "str"},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Read all gates, run them, and record a deployment that they refuse."""
    params = ctx.module.params
    gates = _gates.parse(params["gates"] or ctx.stack.gates, "gates")
    skipped = _gates.skipping(gates, params["skip"], params["override_reason"])
    checks = {gate.name: _prepared(ctx, gate) for gate in gates if gate.check is not None}
    due = [gate for gate in gates if gate.name not in skipped]
    verdicts = [] if ctx.module.check_mode else _run(ctx, due, checks)
    found = {verdict.name: verdict for verdict in verdicts}
    told = [found.get(gate.name) or _untried(gate, skipped=gate.name in skipped) for gate in gates]
    failed = [verdict for verdict in told if not verdict.ok and not (ctx.module.check_mode and verdict.state == "")]
    answer = {"gates": [verdict.to_dict() for verdict in told], "skipped": sorted(skipped), "refused": ""}
    if failed:
        names = ", ".join(f"{verdict.name} ({verdict.state}: {verdict.found})" for verdict in failed)
        answer["refused"] = f"{len(failed)} of {len(told)} gates do not let {params['version']} pass: {names}"
    return {"changed": False, **answer, "report": _record(ctx, answer) if failed else None}


def _prepared(ctx: Context, gate: Gate) -> Prepared:
    where = f"the check of gate {gate.name}"
    (prepared,) = _check_kinds.parse([gate.check], where, ctx.stack, {})
    ctx.module.no_log_values.update(_check_kinds.secrets([prepared]))
    return prepared


def _untried(gate: Gate, *, skipped: bool) -> Verdict:
    if skipped:
        return Verdict(name=gate.name, state=_gates.SKIPPED, found="left out, for the reason that was given")
    if not gate.configured:
        return _gates.unset(gate)
    return Verdict(name=gate.name, state="", found="would be run", expected=_gates.expected(gate))


def _run(ctx: Context, gates: list[Gate], checks: dict[str, Prepared]) -> list[Verdict]:
    _files.private_directory(ctx.state)
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    journal = ctx.journal(_journal.GATES, "gates", 1, "")

    def look(gate: Gate) -> Verdict:
        if not gate.configured:
            return _gates.unset(gate)
        return _check(ctx, now, gate, checks[gate.name]) if gate.check is not None else _plan(ctx, gate)

    found = []
    try:
        for verdict in _gate_work.run(gates, look, Path(ctx.stack.project_src), sorted(ctx.module.no_log_values)):
            found.append(verdict)
            with journal.step(f"gate {verdict.name}: {verdict.state}, {verdict.found}"):
                pass
    finally:
        journal.close()
    return found


def _check(ctx: Context, now: Observed, gate: Gate, prepared: Prepared) -> Verdict:
    (found,) = _check_kinds.run([prepared], _verify.subject(ctx, now, gate.timeout))
    state = _gates.PASSED if found.ok else _gates.FAILED
    seconds = round(found.milliseconds / 1000, 1)
    return Verdict(name=gate.name, state=state, found=found.found, expected=found.expected, seconds=seconds)


def _plan(ctx: Context, gate: Gate) -> Verdict:
    """See that there is a way back: a restore point that is whole and proven."""
    expected = "a restore point that is whole, proven and not quarantined"
    try:
        point = _situation.way_back(ctx)
    except RollbackError as error:
        return Verdict(name=gate.name, state=_gates.FAILED, found=error.message, expected=expected)
    return Verdict(name=gate.name, state=_gates.PASSED, found=f"{point.id} is proven", expected=expected)


def _record(ctx: Context, answer: dict[str, Any]) -> str | None:
    if ctx.module.check_mode:
        return None
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    versions = (_situation.running(ctx, now), ctx.module.params["version"])
    facts = {key: answer[key] for key in ("gates", "skipped")}
    facts["override_reason"] = ctx.module.params["override_reason"]
    record = _outcome.refused(ctx.run, ctx.stack.name, versions, facts, answer["refused"], _journal.now())
    with _owned.stack(ctx):
        report = _reports.write(ctx.state, record, _outcome.markdown, _outcome.next_steps, ctx.module.warn)
        _ledger.append(ctx.state, _outcome.summary(record))
    return str(report)


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
