#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_rollback
short_description: Roll a schema migration back, by the application's own command or by an SQL file
version_added: 1.0.0
description:
  - Copies every database of the stack first, as a restore point of the state before. A Tier 2 rollback to its id
    (RV(before)) takes images, configuration and databases back to it.
  - Then runs either O(command) in a running container of O(service), or O(sql_file) on O(database) in one transaction.
  - A command that fails may have done a part of its work; the failure says whether the schema differs since. Of a file
    that fails nothing is done.
  - The run is recorded in the ledger and has its report once the copy is made, whatever becomes of it.
    C(undo.yml -e run=ID) goes back to the copy of one that succeeded; without C(run) it refuses to undo a rollback that
    a migration followed.
  - The application keeps running. Stop what cannot bear a changing schema first.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
attributes:
  idempotent:
    description: Run again, it rolls one more migration back.
    support: none
options:
  service:
    description: Compose service that O(command) is run in.
    type: str
  command:
    description: Argument list; no shell reads it. A non-zero exit is a failure.
    type: list
    elements: str
  database:
    description: Name of a described database, for O(sql_file).
    type: str
  sql_file:
    description:
      - SQL file on the target, UTF-8. An error takes all of it back. One that holds C(BEGIN), C(COMMIT) or C(ROLLBACK)
        of its own is refused, as are commands of C(psql) and C(sqlite3).
      - In SQLite every foreign key is checked before the commit.
    type: path
  timeout:
    description: Seconds that the command or the file may take.
    type: int
    default: 600
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Take the last migration back by the application's own command
  tiered.rollback.migration_rollback:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    service: api
    command: [alembic, downgrade, "-1"]

- name: Take it back by a file
  tiered.rollback.migration_rollback:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    database: shop
    sql_file: /opt/shop/migrations/0042_down.sql
"""

RETURN = r"""
schema:
  description: By database the schema's version or hash C(before) and C(after); the latter is null in check mode.
  returned: success
  type: dict
output:
  description: The end of what the command printed; empty for a file and in check mode.
  returned: success
  type: str
before:
  description: Id of the restore point that holds every database as it was; null in check mode.
  returned: always
  type: str
report:
  description: Path of the Markdown report on the target, with the same as JSON and HTML beside it.
  returned: when something was run
  type: str
record:
  description: Everything the report says.
  returned: when something was run
  type: dict
actions:
  description: What was done (or, in check mode, would be), a sentence each.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _begin,
    _capture,
    _checks,
    _context,
    _drivers,
    _equal,
    _files,
    _journal,
    _ledger,
    _migration_report,
    _outcome,
    _owned,
    _reports,
    _select,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "service": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "database": {"type": "str"},
    "sql_file": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
    "lock_wait": {"type": "int", "default": 30},
}
_OUTPUT = 8000


def act(ctx: Context) -> dict[str, Any]:
    """Roll the migration back, or in check mode say how."""
    if ctx.module.check_mode:
        return _migrate(ctx)
    with _owned.stack(ctx):
        return _migrate(ctx)


def _migrate(ctx: Context) -> dict[str, Any]:
    params = ctx.module.params
    _journal.refuse_unfinished(ctx.state, "so which schema belongs to what runs is not known")
    # A chain that is broken is to be known before there is something to record.
    _ledger.entries(ctx.state)
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    databases = {database.name: database for database, _exchange in _drivers.of(ctx, now.project)}
    _refuse_unknown(ctx, now, databases)
    script = _read(Path(params["sql_file"])) if params["sql_file"] else ""
    way = f"{params['sql_file']} on {params['database']}" if script else f"{params['command']} in {params['service']}"
    result: dict[str, Any] = {"changed": True, "output": "", "before": None}
    result["actions"] = [f"copy {', '.join(sorted(databases))} to {_begin.before_id(ctx)}", f"run {way}"]
    before = _schemas(databases)
    after: dict[str, str] = {}
    if not ctx.module.check_mode:
        journal = _copy(ctx, now)
        journal.facts["actions"] = result["actions"]
        result["before"] = journal.before
        try:
            with journal.step("migrate"):
                result["output"] = _run(ctx, databases, script)
        except RollbackError as error:
            failure = _migration_report.failure(error, result["before"], _differing(before, databases))
            journal.facts["error"] = str(failure)
            failure.facts |= {"before": result["before"], **_record(ctx, journal, before, {})}
            raise failure from error
        after = _schemas(databases)
        result |= _record(ctx, journal, before, after)
    result["schema"] = {name: {"before": version, "after": after.get(name)} for name, version in before.items()}
    return {**result, "diff": {"before": _lines(before), "after": _lines(after) or f"run {way}\n"}}


def _run(ctx: Context, databases: dict[str, Database], script: str) -> str:
    params = ctx.module.params
    if script:
        databases[params["database"]].execute(script, params["timeout"])
        return ""
    return ctx.compose.execute(params["service"], params["command"], params["timeout"])[-_OUTPUT:]


def _refuse_unknown(ctx: Context, now: Observed, databases: dict[str, Database]) -> None:
    """Refuse, before anything is copied, what cannot be run."""
    params = ctx.module.params
    if not databases:
        raise RollbackError(
            "rollback_stack describes no database, so none could be copied first", "Describe postgres or sqlite."
        )
    if params["timeout"] < 1:
        raise RollbackError(f"timeout must be at least 1, not {params['timeout']}", "600 is the default.")
    if params["sql_file"]:
        if params["database"] not in databases:
            raise RollbackError(
                f"rollback_stack describes no database {params['database']}", f"Known: {', '.join(sorted(databases))}."
            )
        return
    if not params["command"]:
        raise RollbackError("there is no command to run", "Set migration_rollback_command in the inventory.")
    running = sorted({container.service for container in now.containers if container.running})
    if params["service"] not in running:
        raise RollbackError(
            f"no container of service {params['service']} runs", f"Services that do: {', '.join(running) or 'none'}."
        )


def _read(path: Path) -> str:
    data = _files.read(path)
    try:
        script = (data or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RollbackError(f"{path} is no UTF-8 text: {error}", "Save it as UTF-8.") from error
    if not script.strip():
        what = "does not exist on the target" if data is None else "is empty"
        raise RollbackError(f"sql_file {path} {what}", "Copy the file to the target first; nothing was run.")
    return script


def _schemas(databases: dict[str, Database]) -> dict[str, str]:
    return {name: database.schema() for name, database in databases.items()}


def _copy(ctx: Context, now: Observed) -> Journal:
    """Capture the state before, without a copy of which nothing is run; return what is known of the run."""
    current = _equal.points(ctx.stack, ctx.store, now, list(ctx.store.points()))
    version = _capture.running_version(now, ctx.engine, current)
    # It goes to no restore point, and nobody measures what the application makes of it.
    journal = ctx.journal(
        _journal.ACTIVITY,
        _select.MIGRATION,
        2,
        "",
        facts={"from_version": version, "to_version": version, "outage": None},
    )
    copies = Data(_drivers.of(ctx, now.project), ctx.store, journal, list).copy(_begin.before_id(ctx))
    checks = [*_checks.run(ctx.stack.checks), *_checks.health(now)]
    journal.facts["checks_before"] = [check.to_dict() for check in checks]
    journal.before = _begin.capture_before(ctx, now, checks, version, copies)
    return journal


def _record(ctx: Context, journal: Journal, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    """Write the run's reports and its line of the ledger."""
    journal.facts["outcome"] = _outcome.FAILED if journal.facts.get("error") else _outcome.SUCCEEDED
    schemas = {name: {"before": version, "after": after.get(name)} for name, version in before.items()}
    record = _migration_report.record(journal, ctx.stack.name, _journal.now(), schemas)
    told = (_migration_report.markdown, _migration_report.next_steps)
    report = _reports.write(ctx.state, record, *told, ctx.module.warn)
    _ledger.append(ctx.state, _outcome.summary(record))
    return {"report": str(report), "record": record}


def _differing(before: dict[str, str], databases: dict[str, Database]) -> str:
    """Say what a failed way has left, as far as that can be seen."""
    try:
        differing = [name for name, database in databases.items() if database.schema() != before[name]]
    except RollbackError as error:
        return f"whether the schema differs since cannot be seen: {error.message}"
    return f"the schema of {', '.join(differing)} differs since" if differing else "no schema differs since"


def _lines(schemas: dict[str, str]) -> str:
    return "".join(f"schema of {name}: {version}\n" for name, version in sorted(schemas.items()))


def main() -> None:
    """Run the module."""
    _context.main(
        act,
        OPTIONS,
        required_one_of=[("command", "sql_file")],
        mutually_exclusive=[("command", "sql_file")],
        required_together=[("service", "command"), ("database", "sql_file")],
    )


if __name__ == "__main__":
    main()
