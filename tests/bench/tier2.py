# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard rollback with its database, by size: against Tier 1, the written procedure, pg_restore and cp."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import linear_regression, median
from types import SimpleNamespace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _databases, _pg_capture
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import conninfo
from ansible_collections.tiered.rollback.plugins.module_utils._pg_tools import Tools
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store
from ansible_collections.tiered.rollback.plugins.modules import sqlite_backup, sqlite_restore
from ansible_collections.tiered.rollback.tests.bench import stacks
from ansible_collections.tiered.rollback.tests.bench.load import Load, forgetful, outage
from ansible_collections.tiered.rollback.tests.bench.procedures import PATH, VERSION, call, environment, images
from ansible_collections.tiered.rollback.tests.bench.report import Row, row
from ansible_collections.tiered.rollback.tests.support import engine, playbook, sqlite
from ansible_collections.tiered.rollback.tests.support.tier2 import DATABASE, Tier2

#: Megabytes, separated by commas; SQLite is measured at the largest.
SIZES = "TIERED_BENCH_SIZES"
_BEFORE, _AFTER = 1.0, 1.0
_OURS, _TIER1, _DOCUMENT = "tier 2", "tier 1", "document 004"
_STAGE, _RAW = "restore aside", "pg_restore"
#: Bytes of a row of eight MD5 sums, which nothing compresses well, with its header and its part of the key's index.
_ROW = 320

Figures = Mapping[str, Sequence[float]]


def measure(runs: int) -> list[Row]:
    """Measure every size, and return the rows."""
    sizes = sorted(int(size) for size in os.environ.get(SIZES, "10,100,1000").split(","))
    found: dict[int, Figures] = {}
    with stacks.Bench() as bench, forgetful():
        for size in sizes:
            subject = Subject(bench, size)
            for number in range(1, runs + 1):
                subject.once(f"{number}/{runs} {size} MB")
            found[size] = subject.figures
            # The next one wants the room and the cores.
            subject.tier2.stack.down()
        copied = _sqlite(bench.directory, sizes[-1], runs)
    return [*postgres_rows(found), *sqlite_rows(sizes[-1], copied)]


def postgres_rows(found: Mapping[int, Figures]) -> list[Row]:
    """Return outages and speeds by size, and how the outage grows."""
    rows = []
    outages = {size: median(figures[_OURS]) for size, figures in found.items()}
    for size, figures in found.items():
        for peer, bound in ((_TIER1, 1.2), (_DOCUMENT, None)):
            name = f"{size} MB: outage, against {peer}"
            rows.append(row(name, outages[size], "s", peer=median(figures[peer]), bound=bound))
        stage, raw = median(figures[_STAGE]), median(figures[_RAW])
        rows.append(row(f"{size} MB: restore aside, against {_RAW}", stage, "s", peer=raw, bound=1.11))
    if len(outages) > 1:
        slope = linear_regression(list(outages), list(outages.values())).slope
        rows.append(row("outage by size", 1000 * slope, "s/GB"))
    return rows


def sqlite_rows(size: int, figures: Figures) -> list[Row]:
    """Return the speeds of backup and restore, and what a writer noticed."""
    peer = median(figures["cp"])
    rows = [
        row(f"SQLite {size} MB: {kind}, against cp", median(figures[kind]), "s", peer=peer, bound=1.67)
        for kind in ("backup", "restore")
    ]
    return [*rows, row(f"SQLite {size} MB: longest write meanwhile", max(figures["blocked"]), "s", bound=1)]


class Subject:
    """One stack with a database of one size, and what was measured on it."""

    def __init__(self, bench: stacks.Bench, size: int) -> None:
        self.figures: dict[str, list[float]] = defaultdict(list)
        stack = bench.make()
        self.tier2 = Tier2(stack)
        for version in (VERSION, stacks.NEW):
            stack.tag(f"api:{version}", version)
        self.tier2.begin()
        text, rows = " || ".join(["md5(random()::text)"] * 8), size * 10**6 // _ROW
        self.tier2.sql(f"CREATE TABLE filler AS SELECT n AS id, {text} AS text FROM generate_series(1, {rows}) n")
        self.tier2.sql("ALTER TABLE filler ADD PRIMARY KEY (id)")
        stack.capture(VERSION)
        (self._point,) = stack.points(VERSION)
        # The document's own backup, made in its own way.
        self._backup = stack.src.with_name("backup.dump")
        with self._backup.open("wb") as file:
            command = ["docker", "exec", f"{stack.project}-db-1", "pg_dump", "-U", "postgres", "-F", "c", DATABASE]
            subprocess.run(command, stdout=file, check=True)
        values: dict[str, Any] = {key: spec.get("default") for key, spec in _databases.POSTGRES_SPEC.items()}
        values |= stack.description["postgres"][0]
        self._database = PostgresDatabase(_databases.parse_postgres(values, "postgres"), Engine())

    def once(self, title: str) -> None:
        """Measure each procedure once, in turns."""
        stack = self.tier2.stack
        procedures: Mapping[str, Callable[[], object]] = {
            _OURS: lambda: self._play("tier2-standard.yml"),
            _TIER1: lambda: self._play("tier1-emergency.yml"),
            _DOCUMENT: self._document,
        }
        for name, run in procedures.items():
            self._put_back()
            self._raw()
            # What keep_prepared leaves; measured by itself, and undone by nobody but the run that needs it.
            self._stage()
            self._settle()
            self._outage(name, run)
            print(f"    {title}, {name}: outage {self.figures[name][-1]:.2f} s", flush=True)
            if (answer := stack.ask(PATH)).version != VERSION:
                raise RuntimeError(f"{name} ended, and {answer.version or 'nothing'} answers")
        staged, raw = (self.figures[name][-1] for name in (_STAGE, _RAW))
        print(f"    {title}: restore aside {staged:.2f} s, {_RAW} {raw:.2f} s", flush=True)

    def _outage(self, name: str, run: Callable[[], object]) -> None:
        with Load(self.tier2.stack.port, PATH) as load:
            time.sleep(_BEFORE)
            begin = time.monotonic()
            run()
            time.sleep(_AFTER)
        self.figures[name].append(outage(load.requests, begin, max(request.done for request in load.requests)))

    def _play(self, name: str) -> None:
        stack = self.tier2.stack
        stack.write_inventory()
        command = ["ansible-playbook", name, "-e", f"version={VERSION}"]
        call(command, playbook.PLAYBOOKS, environment(stack, "tiered.rollback.timeline"), timeout=1800)

    def _document(self) -> None:
        stack = self.tier2.stack
        script = Path(__file__).with_name("peer_document_004_tier2.sh")
        arguments = [stack.project, *images(stack), str(stack.port), "postgres", DATABASE, str(self._backup)]
        call([str(script), *arguments], stack.src, timeout=1800)

    def _put_back(self) -> None:
        """Deploy NEW with a database that no run made live, and forget what earlier runs kept."""
        stack = self.tier2.stack
        engine.docker(
            "compose", "-p", stack.project, "--progress", "quiet", "stop", "api", "writer", cwd=str(stack.src)
        )
        displaced = [name for name in self.tier2.databases() if "_displaced_" in name]
        if displaced:
            self._admin(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')
            self._admin(f'ALTER DATABASE "{displaced[0]}" RENAME TO "{DATABASE}"')
            self._admin(f'ALTER DATABASE "{DATABASE}" ALLOW_CONNECTIONS true')
            self._admin(f'COMMENT ON DATABASE "{DATABASE}" IS NULL')
        for name in set(self.tier2.databases()) - {DATABASE}:
            self._admin(f'DROP DATABASE "{name}" WITH (FORCE)')
        for point in stack.points("before-"):
            shutil.rmtree(stack.restore_points / point)
        stack.tag("api:production", stacks.NEW)
        stack.up("--force-recreate", "--no-deps", "api", "writer")

    def _stage(self) -> None:
        """Restore the point aside, as a rollback without a prepared database does."""
        store = Store(self.tier2.stack.state / self.tier2.stack.name)
        point = store.load(self._point)
        directory = store.root / point.id / "databases" / DATABASE
        begin = time.monotonic()
        self._database.stage(directory, point.databases[DATABASE], point.id, sqlite.quiet)
        self.figures[_STAGE].append(time.monotonic() - begin)

    def _settle(self) -> None:
        """Write what was staged to disk, as that of a point which was captured hours ago has been."""
        self._admin("CHECKPOINT")
        os.sync()

    def _raw(self) -> None:
        """Restore the same dump with the same tool and jobs, and nothing else."""
        directory = self.tier2.stack.restore_points / self._point / "databases" / DATABASE
        begin = time.monotonic()
        self._admin("CREATE DATABASE shop_raw TEMPLATE template0")
        options = [f"--jobs={self._database.description.jobs}", "--exit-on-error", f"--dbname={conninfo('shop_raw')}"]
        with self._database.server.maintenance() as session:
            tools = Tools(self._database.server, session.version // 10000)
        tools.run("pg_restore", [*options, str(directory / _pg_capture.DUMP)], directory, lambda _line: None)
        self.figures[_RAW].append(time.monotonic() - begin)
        self._admin("DROP DATABASE shop_raw")

    def _admin(self, statement: str) -> None:
        self.tier2.sql(statement, "postgres")


def _sqlite(directory: Path, size: int, runs: int) -> Figures:
    """Back up and restore beside ``cp`` and fsync of the same file, in turns."""
    found: dict[str, list[float]] = defaultdict(list)
    home = directory / "sqlite"
    home.mkdir()
    live, backup, copied = home / "library.sqlite", home / "backup", home / "copied"
    sqlite.make(live)
    sqlite.execute(
        live,
        "CREATE TABLE filler (id INTEGER PRIMARY KEY, text TEXT)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{size * 1000}) INSERT INTO filler SELECT i, hex(randomblob(500)) FROM n",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    )
    for number in range(1, runs + 1):
        found["cp"].append(_seconds(live, lambda: _cp(live, copied)))
        copied.unlink()
        found["backup"].append(_seconds(live, lambda: sqlite_backup.act(_module(path=live, dest=backup))))
        sqlite.execute(live, f"UPDATE filler SET text = 'lost' WHERE id = {number}", "PRAGMA wal_checkpoint(TRUNCATE)")
        found["restore"].append(_seconds(live, lambda: sqlite_restore.act(_module(path=live, src=backup))))
        for displaced in home.glob(".library.sqlite.displaced-*"):
            displaced.unlink()
        shutil.rmtree(backup)
        with sqlite.writing(live) as longest:
            sqlite_backup.act(_module(path=live, dest=backup))
        shutil.rmtree(backup)
        found["blocked"] += longest
        print(
            f"    {number}/{runs} SQLite {size} MB: "
            + ", ".join(f"{kind} {figures[-1]:.2f} s" for kind, figures in found.items()),
            flush=True,
        )
    return found


def _module(**params: object) -> Any:
    """What the modules read of AnsibleModule, so that Ansible's own start is not measured."""
    given = {"service": None, "project": None, "compare": False, **{key: str(value) for key, value in params.items()}}
    return SimpleNamespace(params=given, check_mode=False)


def _cp(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--reflink=never", str(source), str(target)], check=True)
    subprocess.run(["sync", str(target)], check=True)


def _seconds(live: Path, work: Callable[[], object]) -> float:
    """Return the seconds of work that copies a file, as it takes after another copy whose memory is free again.

    A hypervisor that takes free memory back (a balloon that reports free pages) wants up to a second for each gigabyte
    when it is used again. Without this the first to copy has it for nothing, and who comes later pays.
    """
    os.sync()
    before = live.with_name("before")
    shutil.copyfile(live, before)
    before.unlink()
    begin = time.monotonic()
    work()
    return time.monotonic() - begin
