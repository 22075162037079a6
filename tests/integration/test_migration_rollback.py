# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations rolled back on real databases under writers: by a command in a container, and by an SQL file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.tier2 import PASSWORD
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import DATABASE, Pair

PLAYBOOK = "migration-rollback.yml"
PSQL = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c"]


@pytest.fixture(scope="module")
def pair(make_stack: Any) -> Pair:
    """v1.0.0 after its migrations, which gave both databases a column."""
    made = Pair(make_stack())
    made.postgres.migrate()
    made.sqlite.migrate()
    return made


def _by_command(pair: Pair, argv: list[str], *arguments: str, service: str = "writer", **settings: Any) -> Outcome:
    pair.stack.variables = {"migration_rollback_command": argv, **settings}
    return pair.stack.run(PLAYBOOK, *arguments, service=service)


def _by_file(pair: Pair, database: str, script: str) -> Outcome:
    path = pair.stack.src.parent / "down.sql"
    path.write_text(script)
    return pair.stack.run(PLAYBOOK, database=database, sql_file=str(path))


def _refused(outcome: Outcome, *words: str) -> None:
    assert outcome.rc != 0, outcome.output
    for word in words:
        assert word in outcome.said, outcome.said


def _columns(pair: Pair) -> tuple[list[str], list[str]]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    return (
        [row[0] for row in pair.postgres.sql(query)],
        [row[0] for row in pair.sqlite.sql("SELECT name FROM pragma_table_info('orders') ORDER BY 1")],
    )


def test_check_mode_says_what_would_be_run_and_moves_nothing(pair: Pair) -> None:
    def there() -> tuple[Any, ...]:
        # The writers go on, and note what they write beside the project's files.
        found = pair.stack.snapshot()
        return pair.state(), found.containers, found.tags, found.state

    before = there()
    outcome = _by_command(pair, [*PSQL, "DROP TABLE orders"], "--check", "--diff").ok()
    assert "DROP TABLE orders" in outcome.output
    assert there() == before


def test_a_command_that_fails_is_quoted_without_secrets_and_the_copy_named(pair: Pair) -> None:
    before = pair.state()
    outcome = _by_command(pair, ["sh", "-c", "echo no revision for $PGPASSWORD >&2; exit 3"])
    _refused(outcome, "failed (3): no revision for", "no schema differs since", "-e version=before-")
    assert PASSWORD not in outcome.output
    assert pair.state() == before


def test_a_command_that_hangs_is_ended(pair: Pair) -> None:
    _refused(_by_command(pair, ["sleep", "20"], migration_rollback_timeout=1), "took longer than 1 s")


@pytest.mark.parametrize("database", ["shop", DATABASE])
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("DELETE FROM orders; SELECT * FROM nothing_of_that_name", "nothing_of_that_name"),
        ("DELETE FROM orders; COMMIT; SELECT 1", "It is run in one transaction"),
    ],
    ids=["error", "commit"],
)
def test_a_file_that_fails_or_commits_by_itself_changes_nothing(
    pair: Pair, database: str, script: str, told: str
) -> None:
    before = pair.state()
    _refused(_by_file(pair, database, script), told, "Nothing was changed", "no schema differs since")
    assert pair.state() == before


def test_a_launch_variable_that_is_no_plain_name_is_refused(pair: Pair) -> None:
    _refused(pair.stack.run(PLAYBOOK, service="api; id"), "service has an unsafe or malformed value")
    _refused(pair.stack.run(PLAYBOOK, database="shop", sql_file="/tmp/$(id).sql"), "sql_file has an unsafe")


def test_a_command_and_a_file_roll_back_and_tier_2_returns_to_the_copy(pair: Pair) -> None:
    assert _columns(pair) == (["discount", "id", "state"], ["discount", "id", "state"])
    before = pair.state()
    _by_command(pair, [*PSQL, "ALTER TABLE orders DROP COLUMN discount"]).ok()
    (copy,) = pair.stack.points("before-")[-1:]
    recorded = pair.stack.ledger()[-1]
    assert (recorded["kind"], recorded["outcome"], recorded["before"]) == ("migration", "succeeded", copy)
    report, text = pair.stack.report()
    assert (report["run"], report["actions"][-1].split()[0]) == (recorded["run"], "run")
    assert "Migration rollback succeeded" in text
    reports = (pair.stack.state / pair.stack.name / "reports").iterdir()
    assert PASSWORD not in "".join(path.read_text() for path in reports)
    assert " migration 2 " in " ".join(pair.stack.run("status.yml").ok().said.split())
    assert _columns(pair) == (["id", "state"], ["discount", "id", "state"])
    script = """
        CREATE TABLE kept AS SELECT id, state FROM orders WHERE state LIKE '%'; -- 100 % of them
        DROP TABLE orders;
        ALTER TABLE kept RENAME TO orders;
    """
    outcome = _by_file(pair, DATABASE, script).ok()
    assert "after" in outcome.output
    assert _columns(pair) == (["id", "state"], ["id", "state"])
    # The script names its table as the database's own path finds it.
    _by_file(pair, "shop", "CREATE TABLE noted (n int); INSERT INTO noted SELECT 1").ok()
    assert pair.postgres.sql("SELECT n FROM public.noted") == [(1,)]
    pair.stack.run("tier2-standard.yml", version=copy).ok()
    assert _columns(pair) == (["discount", "id", "state"], ["discount", "id", "state"])
    assert pair.state()[0] == before[0]
    assert not pair.missing()
    assert Path(pair.stack.restore_points / copy).is_dir()


def test_undo_returns_to_before_a_migration_rollback_only_where_its_run_is_named(pair: Pair) -> None:
    """A rollback went before it: the undo of that one would take the migration's work along."""
    before = pair.state()
    _by_command(pair, [*PSQL, "ALTER TABLE orders DROP COLUMN discount"]).ok()
    run = pair.stack.ledger()[-1]["run"]
    _refused(pair.stack.undo(), "the stack was changed after run")
    assert _columns(pair)[0] == ["id", "state"]
    pair.stack.undo(run=run).ok()
    assert _columns(pair)[0] == ["discount", "id", "state"]
    assert pair.state()[0] == before[0]
    assert not pair.missing()
