# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database's catalog says of it: the schema as lines, rights, rows by table, properties."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import identifier
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Session

_USERS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def _own(catalog: str, alias: str) -> str:
    """Leave out what belongs to an extension: that comes and goes with it."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {alias}.oid"
        " AND e.deptype = 'e')"
    )


def _granted(acl: str, default: str, owner: str) -> str:
    """Join the grants of an access list as text; an owner's over what is its own follow from the owner."""
    return (
        "LATERAL (SELECT format(' %s %s%s', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text"
        " END, x.privilege_type, CASE WHEN x.is_grantable THEN ' with grant option' END) AS text"
        f" FROM aclexplode(coalesce({acl}, {default})) x WHERE x.grantee <> {owner}) g"
    )


_RELATIONS = f"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {_USERS} AND {_own('pg_class', 'c')}"
_FUNCTIONS = f"pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND {_USERS} AND {_own('pg_proc', 'p')}"
_TYPES = f"pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND {_USERS} AND {_own('pg_type', 't')}"

#: Expressions as the server prints them; it prints some otherwise once they were dumped and restored.
_EXPRESSIONS = (
    f"""SELECT format('relation %s %I.%I %s %s %s %s %s %s %s', c.relkind, n.nspname, c.relname, c.relpersistence,
          c.relrowsecurity, c.relforcerowsecurity, c.reloptions, pg_get_partkeydef(c.oid),
          pg_get_expr(c.relpartbound, c.oid), CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
        || coalesce((SELECT ' inherits ' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno)
                     FROM pg_inherits h WHERE h.inhrelid = c.oid), '')
        FROM {_RELATIONS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')""",
    f"""SELECT format('column %I.%I %s %I %s %s %s %s %s %s', n.nspname, c.relname,
          row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
          a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
          (SELECT l.collname FROM pg_collation l WHERE l.oid = a.attcollation))
        FROM {_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')""",
    f"""SELECT format('constraint %I.%I %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
        FROM {_RELATIONS} JOIN pg_constraint k ON k.conrelid = c.oid
        WHERE k.contype NOT IN ('n', 't') AND k.conparentid = 0""",
    f"""SELECT format('index %I.%I %s', n.nspname, c.relname, pg_get_indexdef(c.oid))
        FROM {_RELATIONS} JOIN pg_index i ON i.indexrelid = c.oid AND (i.indisvalid OR c.relkind = 'I')""",
    f"""SELECT format('trigger %I.%I %s %s', n.nspname, c.relname, g.tgenabled, pg_get_triggerdef(g.oid))
        FROM {_RELATIONS} JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgparentid = 0""",
    f"""SELECT format('policy %I.%I %I %s %s %s %s', n.nspname, c.relname, p.polname, p.polcmd, p.polpermissive,
          pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        FROM {_RELATIONS} JOIN pg_policy p ON p.polrelid = c.oid""",
    f"""SELECT format('rule %I.%I %s', n.nspname, c.relname, pg_get_ruledef(r.oid))
        FROM {_RELATIONS} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'""",
    f"""SELECT format('domain %I.%I %s %s %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod),
          t.typnotnull, t.typdefault) || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(k.oid), ''
          ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype <> 'n'), '')
        FROM {_TYPES} WHERE t.typtype = 'd'""",
)
#: Texts that are kept as they were written.
_EXACT = (
    f"SELECT format('schema %I', n.nspname) FROM pg_namespace n WHERE {_USERS} AND {_own('pg_namespace', 'n')}",
    f"""SELECT format('sequence %I.%I %s', n.nspname, c.relname, (SELECT to_jsonb(s) - 'seqrelid' - 'seqtypid'
          FROM pg_sequence s WHERE s.seqrelid = c.oid)) FROM {_RELATIONS} WHERE c.relkind = 'S'""",
    f"SELECT pg_get_functiondef(p.oid) FROM {_FUNCTIONS} WHERE p.prokind <> 'a'",
    f"SELECT format('aggregate %s', p.oid::regprocedure) FROM {_FUNCTIONS} WHERE p.prokind = 'a'",
    f"""SELECT format('enum %I.%I %s', n.nspname, t.typname, string_agg(quote_literal(m.enumlabel), ', '
          ORDER BY m.enumsortorder))
        FROM {_TYPES} JOIN pg_enum m ON m.enumtypid = t.oid GROUP BY n.nspname, t.typname""",
    f"""SELECT format('range %I.%I of %s', n.nspname, t.typname, format_type(r.rngsubtype, NULL))
        FROM {_TYPES} JOIN pg_range r ON r.rngtypid = t.oid""",
    "SELECT format('extension %I', extname) FROM pg_extension",
    "SELECT format('server %I of %I', s.srvname, w.fdwname) FROM pg_foreign_server s"
    " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw",
    "SELECT format('event trigger %I on %s %s', evtname, evtevent, evtenabled) FROM pg_event_trigger v WHERE "
    + _own("pg_event_trigger", "v"),
)
_RELATION_DEFAULT = "acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\", c.relowner)"
#: The owner of the schema public differs between releases.
_RIGHTS = (
    f"""SELECT format('owner of relation %I.%I %I', n.nspname, c.relname, pg_get_userbyid(c.relowner))
        FROM {_RELATIONS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')""",
    f"SELECT format('owner of function %s %I', p.oid::regprocedure, pg_get_userbyid(p.proowner)) FROM {_FUNCTIONS}",
    f"""SELECT format('owner of schema %I %I', n.nspname, pg_get_userbyid(n.nspowner)) FROM pg_namespace n
        WHERE {_USERS} AND n.nspname <> 'public'""",
    f"""SELECT format('relation %I.%I', n.nspname, c.relname) || g.text FROM {_RELATIONS},
        {_granted("c.relacl", _RELATION_DEFAULT, "c.relowner")}
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')""",
    f"""SELECT format('column %I.%I.%I', n.nspname, c.relname, a.attname) || g.text FROM {_RELATIONS}
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
        {_granted("a.attacl", "NULL::aclitem[]", "c.relowner")}""",
    f"""SELECT format('function %s', p.oid::regprocedure) || g.text FROM {_FUNCTIONS},
        {_granted("p.proacl", "acldefault('f', p.proowner)", "p.proowner")}""",
    f"""SELECT format('schema %I', n.nspname) || g.text FROM pg_namespace n,
        {_granted("n.nspacl", "acldefault('n', n.nspowner)", "n.nspowner")} WHERE {_USERS}""",
    f"""SELECT format('default for %s of %I in %s', d.defaclobjtype, pg_get_userbyid(d.defaclrole),
        d.defaclnamespace::regnamespace) || g.text FROM pg_default_acl d,
        {_granted("d.defaclacl", "NULL::aclitem[]", "0::oid")}""",
)

# A varchar's IN list comes back with its casts elsewhere; only that may not look like a change.
_CAST = re.compile(r"::(?:character varying|bpchar|character|text)(?:\(\d+\))?(?:\[\])?")


def normal(text: str) -> str:
    """Return an expression without what a dump and restore may change: casts between texts, parentheses, spaces."""
    return " ".join(re.sub(r"[()]", "", _CAST.sub("", text)).split())


def schema(session: Session) -> list[str]:
    """Return the schema as sorted lines, owners and rights left out."""
    expressions = [normal(line) for query in _EXPRESSIONS for line in session.column(query)]
    return sorted(expressions + [line for query in _EXACT for line in session.column(query)])


def schema_version(session: Session, query: str | None, lines: Sequence[str]) -> str:
    """Return what the user's query says, else a hash of the schema's lines."""
    if query is None:
        return _files.sha256(_files.dump_json(list(lines)))
    # It was written for the database's own search path.
    session.run("RESET search_path")
    found = session.value(query)
    session.run("SET search_path = ''")
    return "" if found is None else str(found)


def rights(session: Session) -> list[str]:
    """Return owners and grants as sorted lines."""
    return sorted(line for query in _RIGHTS for line in session.column(query))


def tables(session: Session) -> list[str]:
    """Return the tables that hold rows of their own, as quoted qualified names."""
    return session.column(
        f"SELECT format('%I.%I', n.nspname, c.relname) FROM {_RELATIONS} WHERE c.relkind = 'r' ORDER BY 1"
    )


def rows(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Count the rows of each table."""
    return {name: int(session.value(f"SELECT count(*) FROM ONLY {name}")) for name in names}


def lock(session: Session, names: Sequence[str]) -> None:
    """Keep tables from being altered or dropped until the transaction ends; rows may change."""
    if names:
        session.run(f"LOCK TABLE {', '.join(f'ONLY {name}' for name in names)} IN ACCESS SHARE MODE")


def sequences(session: Session) -> dict[str, list[Any]]:
    """Return each sequence's last value and whether it was given out."""
    names = session.column(
        f"SELECT format('%I.%I', n.nspname, c.relname) FROM {_RELATIONS} WHERE c.relkind = 'S' ORDER BY 1"
    )
    return {name: list(session.rows(f"SELECT last_value, is_called FROM {name}")[0]) for name in names}


def invalid_indexes(session: Session) -> list[str]:
    """Name the indexes that the server would not use.

    A partitioned one is dumped as invalid as it is, where a partition lacks its part.
    """
    return session.column(
        "SELECT c.oid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE NOT i.indisvalid AND c.relkind = 'i'"
    )


def needs(session: Session) -> dict[str, list[str]]:
    """Return what the server must have before this database can be restored there, by kind."""
    return {
        "roles": session.column(
            "SELECT DISTINCT rolname::text FROM pg_roles r WHERE oid IN (SELECT refobjid FROM pg_shdepend"
            " WHERE refclassid = 'pg_authid'::regclass AND dbid = (SELECT oid FROM pg_database"
            f" WHERE datname = current_database())) OR oid IN (SELECT c.relowner FROM {_RELATIONS})"
            " OR oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) ORDER BY 1"
        ),
        "extensions": session.column("SELECT extname::text FROM pg_extension ORDER BY 1"),
        "tablespaces": session.column(
            "SELECT DISTINCT spcname::text FROM pg_tablespace t WHERE oid IN (SELECT reltablespace FROM pg_class)"
            " AND spcname <> 'pg_global' ORDER BY 1"
        ),
    }


def properties(session: Session) -> dict[str, Any]:
    """Return what belongs to the database itself, which a dump does not hold."""
    # Columns of pg_database differ between releases; as JSON those that are missing are only absent.
    raw = session.value("SELECT to_jsonb(d) - 'datacl' FROM pg_database d WHERE datname = current_database()")
    return {
        "database": raw["datname"],
        "server_version": session.version,
        "size": int(session.value("SELECT pg_database_size(current_database())")),
        "owner": session.value("SELECT pg_get_userbyid(%s)", int(raw["datdba"])),
        "encoding": session.value("SELECT pg_encoding_to_char(%s)", raw["encoding"]),
        "collate": raw["datcollate"],
        "ctype": raw["datctype"],
        "locale_provider": raw.get("datlocprovider", "c"),
        "locale": raw.get("datlocale") or raw.get("daticulocale"),
        "icu_rules": raw.get("daticurules"),
        "tablespace": session.value(
            "SELECT spcname::text FROM pg_tablespace WHERE oid = %s", int(raw["dattablespace"])
        ),
        "connection_limit": raw["datconnlimit"],
        "comment": comment(session, raw["datname"]),
        "grants": _grants(session),
        "settings": [
            list(row)
            for row in session.rows(
                "SELECT r.rolname::text, split_part(v, '=', 1), substr(v, strpos(v, '=') + 1) FROM pg_db_role_setting s"
                " LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) WITH ORDINALITY u(v, position)"
                " WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " ORDER BY 1 NULLS FIRST, position"
            )
        ],
        "needs": needs(session),
        "sequences": sequences(session),
    }


def comment(session: Session, database: str) -> str | None:
    """Return a database's comment."""
    found = session.value("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", database)
    return None if found is None else str(found)


def _grants(session: Session) -> list[list[Any]] | None:
    if session.value("SELECT datacl IS NULL FROM pg_database WHERE datname = current_database()"):
        return None
    found = session.rows(
        "SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type::text,"
        " a.is_grantable FROM pg_database, aclexplode(datacl) a WHERE datname = current_database() ORDER BY 1, 2, 3"
    )
    return [list(row) for row in found]


def grant_statements(database: str, grants: Sequence[Sequence[Any]] | None, owner: str) -> list[str]:
    """Return the statements that give a new database the recorded rights (pure)."""
    if grants is None:
        return []
    where = f"ON DATABASE {identifier(database)}"
    given = [
        f"GRANT {privilege} {where} TO {'PUBLIC' if role is None else identifier(role)}"
        + (" WITH GRANT OPTION" if grantable else "")
        for role, privilege, grantable in grants
    ]
    return [f"REVOKE ALL {where} FROM PUBLIC, {identifier(owner)}", *given]
