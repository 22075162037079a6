# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _incident, _migration_report, _report_html
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.tests.support.page import Page

ENDED = "2026-11-20T10:00:05.000+00:00"
SCHEMAS = {"shop": {"before": "42", "after": "41"}, "log | book": {"before": "7", "after": None}}


@pytest.fixture
def record(build: Any, tmp_path: Path) -> Any:
    """A run that succeeded, unless there is an error."""

    def made(error: str | None = None) -> dict[str, Any]:
        facts = {
            "from_version": "v1.0.0",
            "to_version": "v1.0.0",
            "outage": None,
            "actions": ["copy shop to before-x", "run down.sql on shop"],
            "outcome": "failed" if error else "succeeded",
            "error": error,
            "checks_before": [{"name": "api", "ok": False, "found": "status 500"}],
            "phases": [{"name": "migrate", "after": 1.0, "seconds": 2.0, "failed": "said hunter2"}],
        }
        run = build.run(1, escalation=[{"role": "Olga"}])
        path = tmp_path / "journal"
        journal = Journal(path=path, run=run, kind="migration", tier=2, target="", before="before-x", facts=facts)
        journal.secrets = {"hunter2"}
        return _migration_report.record(journal, "shop", ENDED, SCHEMAS)

    return made


def test_the_report_says_schemas_actions_checks_and_the_way_back(record: Any) -> None:
    full = record()
    told = _migration_report.markdown(full)
    for line in (
        "**Migration rollback succeeded.**",
        "| shop | 42 | 41 |",
        "| log \\| book | 7 | unknown |",
        "- run down.sql on shop",
        "| FAILED | api | status 500 |",
        f"undo.yml -e run={full['run']}",
        "| Olga |",
    ):
        assert line in told


def test_a_failure_says_why_without_secrets_and_names_the_copy(record: Any) -> None:
    full = record("no revision for hunter2")
    told = _migration_report.markdown(full)
    assert full["error"] == "no revision for ***"
    assert "hunter2" not in str(full)
    assert "no revision for ***" in told
    assert "-e version=before-x" in told


@pytest.mark.parametrize("error", [None, "no such revision"])
def test_page_incident_and_notification_are_made_of_it_too(record: Any, error: str | None) -> None:
    full = record(error)
    steps = _migration_report.next_steps(full)
    page = Page(_report_html.render(full, steps))
    said = "the migration rollback failed" if error else "the migration rollback is done"
    for text in (page.text, _incident.markdown(full, steps), _incident.notification(full)["text"]):
        assert said in text
    assert "before-x holds every database" in page.text
