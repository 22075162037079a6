#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_info
short_description: Run checks of every kind on a stack, and say what each found
version_added: 1.0.0
description:
  - Runs the checks of services, those of C(rollback_stack.checks), those of O(checks) and those of a profile, side by
    side and with one deadline. Every check is read before any is run. Changes nothing but what the requests of a check
    do, and fails only where nothing could be checked; a check that does not hold is an answer.
  - Each check has C(name), and exactly one key that says its kind.
  - C(url) is an HTTP request with C(method), C(status), C(json), C(headers), C(body), C(contains) (text in the answer),
    C(answer_headers) (header to text in it), C(timeout); and C(requests) (how often), C(p50), C(p95), C(p99)
    (milliseconds that the percentile must stay below) and C(error_rate) (per cent of requests, likewise).
  - C(steps) is a list of such requests, with any method, one after the other. C(capture) (variable to dotted JSON path)
    and C(capture_headers) keep a part of an answer, which is C(${variable}) in the requests after it; C(variables) are
    known from the start. C(cleanup) is a list of requests that are sent in any case.
  - C(sql) is a query on C(database) with C(expect) (its value) and C(budget) (milliseconds, median of three times), in
    a read-only transaction.
  - C(container) is a service, with C(state) (V(running), V(exited)), C(health) (V(healthy), V(any)), C(replicas) and
    C(restarts) (at most).
  - C(command) is an argument list for a container of C(service), with C(exit_code) and C(output) (regular expression).
  - C(sqlite) is a database that must be sound, with its indexes unless C(full) is false.
  - C(mcp) is V(health) or V(status) of the MCP service.
  - C(promql) is a query to C(prometheus) with C(at_most) and C(at_least), for each value of the last C(minutes) where
    given. No value is a failure. C(targets) is a job, or V(all), whose targets must be up.
  - C(alerts) is a list of severities of which no alert may be firing, by C(alertmanager).
  - C(leaks) (V(true)) looks for containers, networks, databases, processes and runs that were left behind.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
options:
  checks:
    description: Checks beside those of the stack.
    type: list
    elements: dict
    default: []
  profile:
    description:
      - A checklist, C(budgets) by name and C(checks). With C(every) a check of it is made once for each C(api) (check
        of a service), C(page), C(service), C(database) or C(sqlite), or where there is C(mcp), C(prometheus) or
        C(alertmanager). C(budget:NAME) stands for a budget.
    type: dict
  budgets:
    description: Budgets in place of the profile's own, by name.
    type: dict
    default: {}
  pages:
    description: URLs of pages, whose budget is another than that of an API.
    type: list
    elements: str
    default: []
  prometheus:
    description: URL of Prometheus for checks that name none.
    type: str
  alertmanager:
    description: URL of Alertmanager for checks that name none.
    type: str
  tolerance:
    description:
      - Per cent that answers may take longer than when the restore point of what runs was captured. Differences of less
        than 25 ms never count.
    type: float
    default: 50
  timeout:
    description: Seconds after which a check that has not ended has failed.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: See that tasks can be read, fast enough
  tiered.rollback.verify_info:
    stack: "{{ rollback_stack }}"
    checks:
      - {url: "http://127.0.0.1:8000/api/kanban/tasks", requests: 100, p95: 500, error_rate: 1}
      - {sql: SELECT count(*) > 0 FROM tasks, database: udo_production, expect: true, budget: 50}
  register: found
"""

RETURN = r"""
checks:
  description: Every check, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    kind: {description: "Its kind; V(baseline) for a comparison with the restore point.", type: str}
    ok: {description: Whether it holds., type: bool}
    expected: {description: What was expected., type: str}
    found: {description: What was found., type: str}
    milliseconds: {description: How long it took., type: float}
    hint: {description: "What to do next, where it does not hold.", type: str}
    figures: {description: What was measured., type: dict}
failures:
  description: How many do not hold.
  returned: success
  type: int
left_out:
  description: What of the profile cannot be checked on this stack, and why.
  returned: success
  type: list
  elements: str
restore_point:
  description: Id of the restore point that answers were compared with; null where there is none to compare with.
  returned: success
  type: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _baseline, _context, _verify
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe

OPTIONS = {
    **_context.STACK_OPTIONS,
    **_verify.CHECK_OPTIONS,
    "tolerance": {"type": "float", "default": 50},
    "timeout": {"type": "int", "default": 120},
}


def act(ctx: Context) -> dict[str, Any]:
    """Read all checks, then run them."""
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    prepared, left_out = _verify.prepare(ctx, now, requests=_baseline.REQUESTS)
    verdicts, point = _verify.run(ctx, now, prepared)
    return {
        "changed": False,
        "checks": [verdict.to_dict() for verdict in verdicts],
        "failures": sum(not verdict.ok for verdict in verdicts),
        "left_out": left_out,
        "restore_point": point,
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
