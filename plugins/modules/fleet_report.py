#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Tell what became of a fleet, host by host
version_added: 1.0.0
description:
  - Makes one record of all hosts, and writes it as a page, as Markdown and as JSON. To be run on the controller.
  - Tells every host of the plan. One that has had its turn and told nothing has failed.
  - A document that cannot be written is a warning. What became of the hosts is returned all the same.
options:
  plan:
    description: The plan, as P(tiered.rollback.fleet_plan#filter) returns it.
    type: dict
    required: true
  results:
    description: What became of the hosts that had their turn, as P(tiered.rollback.fleet_result#filter) says it.
    type: list
    elements: dict
    required: true
  forward:
    description: The same of those that then went forward again.
    type: list
    elements: dict
    default: []
  launch:
    description: The fleet's own C(rollback_launch).
    type: dict
    required: true
  inventory:
    description: Where the hosts are described, for the commands that are told.
    type: list
    elements: str
    default: []
  limit:
    description: Which of them are meant, for the same.
    type: str
    default: ""
  directory:
    description: Where the documents are written, named after the fleet's run.
    type: path
    required: true
author:
  - The tiered.rollback authors (@tiered)
attributes:
  check_mode:
    description: Gives the same answer as a real run and writes nothing.
    support: full
  diff_mode:
    description: Writes new files only, so there is nothing to compare.
    support: none
  idempotent:
    description: Every report says when it was made.
    support: none
"""

EXAMPLES = r"""
- name: Tell what became of the fleet
  tiered.rollback.fleet_report:
    plan: "{{ fleet_planned }}"
    results: "{{ fleet_results }}"
    launch: "{{ fleet_launch }}"
    directory: /var/lib/fleets
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
record:
  description: Everything the report says.
  returned: success
  type: dict
subject:
  description: What became of the fleet in a line.
  returned: success
  type: str
told:
  description: What the end of the playbook shows, in lines.
  returned: success
  type: list
  elements: str
unwell:
  description: By host that had its turn and did not succeed, what went wrong.
  returned: success
  type: dict
report:
  description: Path of the page, with the same as Markdown and JSON beside it; null in check mode.
  returned: success
  type: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _fleet_report, _journal, _module, _reports

OPTIONS: dict[str, dict[str, Any]] = {
    "plan": {"type": "dict", "required": True},
    "results": {"type": "list", "elements": "dict", "required": True},
    "forward": {"type": "list", "elements": "dict", "default": []},
    "launch": {"type": "dict", "required": True},
    "inventory": {"type": "list", "elements": "str", "default": []},
    "limit": {"type": "str", "default": ""},
    "directory": {"type": "path", "required": True},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Put the report together, and write it."""
    params = module.params
    run, given = params["launch"]["run"], params["launch"]["given"]
    found = (params["plan"], params["results"], params["forward"])
    full = _fleet_report.record(run, given, *found, _journal.now(), params["inventory"], params["limit"])
    report = Path(params["directory"]) / f"{full['run']}.html"
    if not module.check_mode:
        documents = {
            ".json": lambda: _files.dump_json(full),
            ".md": lambda: _fleet_report.markdown(full).encode(),
            ".html": lambda: _fleet_report.html(full).encode(),
        }
        _reports.put(report, documents, module.warn)
    return {
        "changed": True,
        "record": full,
        "subject": _fleet_report.headline(full),
        "told": _fleet_report.lines(full),
        "unwell": _fleet_report.unwell(full),
        "report": None if module.check_mode else str(report),
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
