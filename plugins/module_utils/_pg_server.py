# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to a PostgreSQL server: where it is, as whom, and errors that a person can act on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible_collections.tiered.rollback.plugins.module_utils import _masking
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Postgres
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import identifier

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

try:
    import psycopg2
except ImportError as _error:
    MISSING: ImportError | None = _error
else:
    MISSING = None

APPLICATION = "tiered.rollback"
IN_USE = "55006"
NOT_ALLOWED = "42501"
_TIMEOUT = 10
_OLDEST = 130000
_ROWS = 5000
#: After so long a silence a session is over. Where packets are lost on the way, libpq would wait a quarter of an hour,
#: or two hours if it owes the server nothing, and the server as long for us, with its locks.
_SILENCE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
_SERVERS_SILENCE = " ".join(f"-c tcp_{name}={value}" for name, value in _SILENCE.items() if "keepalives" in name)
#: Options given at the start of a session outrank ALTER DATABASE SET and ALTER ROLE SET: a database that is read-only
#: by default can be restored, and rows of two databases have one text form.
TOOL_OPTIONS = (
    "-c default_transaction_read_only=off -c idle_in_transaction_session_timeout=0 -c statement_timeout=0"
    f" {_SERVERS_SILENCE}"
)
_OPTIONS = (
    f"{TOOL_OPTIONS} -c lock_timeout=60s -c row_security=off -c timezone=UTC -c datestyle=ISO"
    " -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1 -c lc_monetary=C"
)
_HINTS = (
    ("password authentication failed", "Correct user and password of this database in rollback_stack.postgres."),
    ("no password supplied", "Give password or passfile for this database in rollback_stack.postgres."),
    ("does not exist", "Correct the name in rollback_stack.postgres; psql --list shows what there is."),
    ("not currently accepting", "A run keeps everybody out of it; resume or undo that run."),
    ("too many clients", "Close connections or raise max_connections."),
    ("remaining connection slots", "Close connections or raise max_connections."),
    ("no pg_hba.conf entry", "Let this host and user in, in the server's pg_hba.conf."),
    ("definition of service", "Correct service_name or service_file of this database in rollback_stack.postgres."),
)
_LOST = "Is the server up? See its log."
_HINT_BY_STATE = {
    NOT_ALLOWED: "The user must own the database and have CREATEDB and pg_signal_backend, or be a superuser.",
    "53300": "Close connections or raise max_connections.",
    "53100": "Free space on the server's file system.",
    "55P03": "Another session holds a lock on it; see pg_locks and pg_stat_activity.",
    IN_USE: "Sessions come back faster than they can be ended; stop what connects. See pg_prepared_xacts too.",
}


class Session:
    """One connection, which commits each statement unless inside :meth:`transaction`."""

    def __init__(self, connection: Any, secret: str | None) -> None:
        self._connection = connection
        self._secret = secret
        connection.autocommit = True

    @property
    def version(self) -> int:
        """The server's version as one number, such as 150004."""
        return int(self._connection.server_version)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        with self._errors(), self._connection.cursor() as cursor:
            # Without values psycopg2 leaves a per cent sign alone.
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def value(self, query: str, *values: Any) -> Any:
        """Return the first column of the first row, or None where there is no row."""
        found = self.rows(query, *values)
        return found[0][0] if found else None

    def column(self, query: str, *values: Any) -> list[Any]:
        """Return the first column of every row."""
        return [row[0] for row in self.rows(query, *values)]

    def run(self, statement: str, *values: Any) -> None:
        """Run a statement that returns nothing."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows without holding all in memory; only inside a transaction, one at a time."""
        self.run(f"DECLARE streamed NO SCROLL CURSOR FOR {query}")
        while rows := self.rows(f"FETCH {_ROWS} FROM streamed"):
            yield from rows
        self.run("CLOSE streamed")

    @contextmanager
    def transaction(self, mode: str = "") -> Iterator[None]:
        """Commit what is done inside, or nothing of it."""
        self.run(f"BEGIN {mode}")
        try:
            yield
        except BaseException:
            # A connection that broke has rolled back already.
            if not self._connection.closed:
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            state = error.pgcode or ""
            hint = _LOST if self._connection.closed else _HINT_BY_STATE.get(state, "")
            raise RollbackError(f"PostgreSQL: {_told(error, self._secret)}", hint, sqlstate=state) from None


class Server:
    """The server of one database: sessions on it, and what client tools need to reach it.

    :param engine: may be None where the description names no container.
    """

    def __init__(self, description: Postgres, engine: Engine | None) -> None:
        if MISSING is not None:
            raise RollbackError(
                f"a Python package is missing on the target host: {MISSING.name}",
                "Install it for the interpreter Ansible uses there: pip install psycopg2-binary.",
            )
        self.description = description
        self.engine = engine

    def container(self) -> Container | None:
        """Return the container that the server runs in, where it runs in one."""
        name = self.description.container
        if not name or self.engine is None:
            return None
        found = self.engine.container(name)
        if found is None or not found.running:
            raise RollbackError(
                f"container {name} of database {self.description.name} {'is not running' if found else 'is not there'}",
                f"Start it: docker start {name}" if found else "Correct container in rollback_stack.postgres.",
            )
        return found

    def _address(self) -> str:
        if self.description.host:
            return self.description.host
        container = self.container()
        if container is None or not container.addresses:
            raise RollbackError(
                f"container {self.description.container} has no address of its own",
                "Give host and port under which this host reaches the server.",
            )
        return container.addresses[0]

    @property
    def by_service(self) -> bool:
        """Whether libpq's service file says host, port and user, which an option would outrank."""
        return bool(self.description.service_name and not (self.description.host or self.description.container))

    def environment(self, settings: str = "") -> dict[str, str]:
        """Return libpq's variables for a client tool; the password has no other way to it.

        :param settings: more options for its sessions.
        """
        said = self.description
        wanted = {
            "PGAPPNAME": APPLICATION,
            "PGCONNECT_TIMEOUT": str(_TIMEOUT),
            "PGOPTIONS": f"{TOOL_OPTIONS} {settings}".rstrip(),
            "PGSERVICEFILE": said.service_file,
            "PGPASSFILE": said.passfile,
            "PGPASSWORD": said.password,
            "LC_ALL": "C.UTF-8",
        }
        if self.by_service:
            wanted["PGSERVICE"] = said.service_name
        else:
            wanted |= {"PGHOST": self._address(), "PGPORT": str(said.port), "PGUSER": said.user}
        return {name: value for name, value in wanted.items() if value}

    def connect(self, database: str) -> Session:
        """Open a session on a database of this server."""
        said = self.description
        options: dict[str, Any] = {"dbname": database, "password": said.password, "passfile": said.passfile}
        if self.by_service:
            options["service"] = said.service_name
        else:
            options |= {"host": self._address(), "port": said.port, "user": said.user}
        given = {name: value for name, value in options.items() if value} | _SILENCE
        try:
            with _service_file(said.service_file):
                connection = psycopg2.connect(
                    **given, application_name=APPLICATION, connect_timeout=_TIMEOUT, options=_OPTIONS
                )
        except psycopg2.Error as error:
            text = _told(error, said.password)
            hint = next((hint for part, hint in _HINTS if part in text), _LOST)
            # psycopg2 gives no code for an error while connecting.
            raise RollbackError(
                f"cannot connect to database {database}: {text}", hint, refused="not currently accepting" in text
            ) from None
        session = Session(connection, said.password)
        # Else what the server prints of the schema depends on the path. RESET brings the database's own back.
        session.run("SET search_path = ''")
        if session.version < _OLDEST:
            session.close()
            raise RollbackError(
                f"the server of {database} is PostgreSQL {session.version // 10000}",
                "13 is the oldest that is supported: upgrade the server.",
            )
        return session

    def maintenance(self) -> Session:
        """Open the session that creates and renames databases."""
        return self.connect(self.description.maintenance_database)

    def enter(self, database: str) -> Session:
        """Open a session even where nobody is let in.

        ALLOW_CONNECTIONS holds for superusers too, so it has to be true while the session begins. A session that has
        begun stays when it is false again: it is so only for that moment, and whoever came in with us is ended.
        """
        try:
            return self.connect(database)
        except RollbackError as error:
            if not error.facts.get("refused"):
                raise
        with self.maintenance() as maintenance:
            allow(maintenance, database, True)
            try:
                session = self.connect(database)
            finally:
                allow(maintenance, database, False)
            terminate(maintenance, database, but=session.value("SELECT pg_backend_pid()"))
        return session


def conninfo(database: str) -> str:
    """Name a database for a client tool, which would read ``a=b`` or ``postgresql://`` as a connection string.

    It says how long a silence the tool bears, too, for which libpq has no variables.
    """
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return " ".join([f"dbname='{escaped}'", *(f"{name}={value}" for name, value in _SILENCE.items())])


def allow(session: Session, database: str, allowed: bool) -> None:
    """Let sessions begin on a database, or not."""
    session.run(f"ALTER DATABASE {identifier(database)} ALLOW_CONNECTIONS {str(allowed).lower()}")


def terminate(session: Session, database: str, *, but: int = 0, seconds: float = 30) -> None:
    """End every session of a database but one, whatever lock it holds, and wait until they are gone.

    An autovacuum worker makes way by itself, and only a superuser may end it.
    """
    deadline = time.monotonic() + seconds
    while left := session.rows(
        "SELECT pid, usename, application_name, pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> %s AND backend_type IS DISTINCT FROM 'autovacuum worker'",
        database,
        but,
    ):
        if time.monotonic() > deadline:
            who = ", ".join(f"{row[1]} {row[2]} (pid {row[0]})" for row in left[:5])
            raise RollbackError(
                f"sessions of database {database} do not end: {who}", "Stop what connects, then run this again."
            )
        time.sleep(0.02)


def free_connections(session: Session) -> int:
    """Count the sessions that can still begin for this user."""
    reserved: Sequence[str] = ["superuser_reserved_connections", "reserved_connections"]
    if session.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        reserved = []
    # Of other users' sessions an ordinary one may see the database, but not the kind.
    query = (
        "SELECT current_setting('max_connections')::int"
        " - (SELECT count(*)::int FROM pg_stat_activity WHERE datid IS NOT NULL)"
        " - coalesce((SELECT sum(setting::int)::int FROM pg_settings WHERE name = ANY(%s)), 0)"
    )
    return int(session.value(query, list(reserved)))


def usable_jobs(session: Session, wanted: int) -> int:
    """Return how many of the wanted jobs there are connections for; each run has two sessions beside its jobs."""
    free = free_connections(session)
    if free < 3:
        raise RollbackError(
            f"only {free} connections are free on the server, and at least 3 are needed",
            "Close connections or raise max_connections.",
        )
    return min(wanted, free - 2)


def _told(error: Exception, secret: str | None) -> str:
    return str(_masking.mask(" ".join(str(error).split()), [secret or ""]))


@contextmanager
def _service_file(path: str | None) -> Iterator[None]:
    # libpq takes it from the environment only.
    before = os.environ.get("PGSERVICEFILE")
    if path:
        os.environ["PGSERVICEFILE"] = path
    try:
        yield
    finally:
        if path and before is None:
            del os.environ["PGSERVICEFILE"]
        elif before is not None:
            os.environ["PGSERVICEFILE"] = before
