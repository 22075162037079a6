# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one inventory variable that describes a stack, parsed and checked once (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tiered.rollback.plugins.module_utils import _api, _flags, _names, _order
from ansible_collections.tiered.rollback.plugins.module_utils import _databases as databases
from ansible_collections.tiered.rollback.plugins.module_utils._api import GitHubApi, McpApi
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Postgres, Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Flag

#: What runs a stack: Docker Compose on one host, or the services of a Docker swarm.
COMPOSE, SWARM = "compose", "swarm"
_STACK_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": [COMPOSE, SWARM], "default": COMPOSE},
    "project_src": {"type": "str", "required": True},
    "project_name": {"type": "str"},
    "files": {"type": "list", "elements": "str", "default": []},
    "profiles": {"type": "list", "elements": "str", "default": []},
    "env_files": {"type": "list", "elements": "str", "default": []},
    "config": {"type": "list", "elements": "str"},
    "services": {"type": "dict", "default": {}},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "postgres": {"type": "list", "elements": "dict", "default": []},
    "sqlite": {"type": "list", "elements": "dict", "default": []},
    "flags": {"type": "dict", "default": {}},
    "mcp": {"type": "dict"},
    "github": {"type": "dict"},
    "image_source": {"type": "str", "choices": ["auto", "retag", "variable", "git"], "default": "auto"},
    "stop_timeout": {"type": "int"},
    "health_timeout": {"type": "int", "default": 60},
    "registry": {"type": "str"},
    "metrics": {"type": "str"},
    "keep": {"type": "int", "default": 10},
    "max_age_days": {"type": "int"},
    "gates": {"type": "list", "elements": "raw", "default": []},
}
_SERVICE_SPEC: dict[str, dict[str, Any]] = {
    "checks": {"type": "list", "elements": "dict", "default": []},
    "cutover": {"type": "str", "choices": ["auto", "start_first", "stop_first"], "default": "auto"},
    "attach_command": {"type": "list", "elements": "str", "default": []},
    "drain_command": {"type": "list", "elements": "str", "default": []},
    "drain_timeout": {"type": "int", "default": 15},
    "settle": {"type": "float", "default": 2.5},
    "release": {"type": "str", "choices": ["auto", "build", "pull", "keep"], "default": "auto"},
    "depends_on": {"type": "list", "elements": "str", "default": []},
}
#: What a swarm has no project directory for.
_SWARM_SPEC = {**_STACK_SPEC, "project_src": {"type": "str", "default": ""}}
#: What may be said of a stack of a swarm, and of its services.
_SWARM_KEYS = frozenset(
    {"name", "engine", "project_name", "services", "health_timeout", "metrics", "keep", "max_age_days", "github"}
)
_SWARM_SERVICE_KEYS = frozenset({"checks", "cutover", "depends_on"})
CHECK_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "url": {"type": "str", "required": True},
    "method": {"type": "str", "choices": ["GET", "HEAD", "POST"], "default": "GET"},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "json": {"type": "dict", "default": {}},
    "headers": {"type": "dict", "default": {}, "no_log": True},
    "body": {"type": "raw"},
    "contains": {"type": "str"},
    "answer_headers": {"type": "dict", "default": {}},
    "timeout": {"type": "float", "default": 5.0},
}
HARMLESS_HEADERS = ("accept", "content-type", "host", "user-agent")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One HTTP check.

    :param json: dotted path into the answer (``features.ai``, ``items.0.id``) to the value it must have.
    :param contains: text that the answer's body must hold.
    :param answer_headers: header of the answer to the text that its value must hold.
    :param timeout: seconds for one request.
    """

    name: str
    url: str
    method: str
    status: tuple[int, ...]
    json: Mapping[str, Any]
    headers: Mapping[str, str]
    body: Any
    timeout: float
    contains: str | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a user may say of one service; every field has a default.

    :param attach_command: argument list run once the new replica is healthy, to tell a proxy of it.
    :param drain_command: argument list that takes the old replica out of the proxy.
    :param drain_timeout: seconds to wait until the old replica has no connection left.
    :param settle: seconds that a proxy which follows DNS is given to find the new replica.
    :param release: how a deployment gets its image: ``build``, ``pull``, or not at all (``keep``).
    :param depends_on: services of a swarm stack that it needs, and after which a deployment updates it.
    """

    name: str
    checks: tuple[Check, ...] = ()
    cutover: str = "auto"
    attach_command: tuple[str, ...] = ()
    drain_command: tuple[str, ...] = ()
    drain_timeout: int = 15
    settle: float = 2.5
    release: str = "auto"
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A Compose project on one host, or a stack of a swarm, as ``rollback_stack`` describes it.

    :param project_src: the project's directory; empty for a swarm, whose services say themselves what they are.
    :param project_name: name of the Compose project, or of the stack's namespace in the swarm.
    :param config: paths of configuration files, relative to `project_src`; None: the Compose files and ``.env``.
    :param health_timeout: seconds that new containers and checks are given to become good.
    :param stop_timeout: seconds between SIGTERM and SIGKILL; None: each container's own grace period.
    :param more_checks: checks of any kind beside those of services, as they were written; only who runs them reads
        them, so that a wrong one never stands in the way of a rollback.
    :param metrics: directory of node_exporter's textfile collector, where the stack's metrics are written too.
    :param registry: repository prefix that images are pushed to when a restore point is captured.
    :param gates: what a deployment has to pass, as it was written; only a deployment reads it.
    """

    name: str
    project_src: str
    project_name: str | None
    files: tuple[str, ...]
    profiles: tuple[str, ...]
    env_files: tuple[str, ...]
    config: tuple[str, ...] | None
    services: Mapping[str, Service]
    more_checks: tuple[Mapping[str, Any], ...]
    postgres: tuple[Postgres, ...]
    sqlite: tuple[Sqlite, ...]
    flags: Mapping[str, Flag]
    mcp: McpApi | None
    github: GitHubApi | None
    image_source: str
    stop_timeout: int | None
    health_timeout: int
    registry: str | None
    metrics: str | None
    keep: int
    max_age_days: int | None
    gates: tuple[Any, ...] = ()
    engine: str = COMPOSE

    def flag(self, name: str) -> Flag:
        """Return what is said of a feature flag, or the defaults."""
        return self.flags.get(name, Flag(name=name))

    def service(self, name: str) -> Service:
        """Return what is said of a service, or the defaults."""
        return self.services.get(name, Service(name=name))

    @property
    def database_names(self) -> tuple[str, ...]:
        """What the description calls each database."""
        return (*(each.name for each in self.postgres), *(each.name for each in self.sqlite))

    @property
    def has_data(self) -> bool:
        """Whether there is data that restore points hold, which is another one each time they are captured."""
        return bool(self.postgres or self.sqlite or self.mcp)

    @property
    def variable_file(self) -> str:
        """The environment file that version variables are set in: the last one, which wins in Compose."""
        return self.env_files[-1] if self.env_files else ".env"

    @property
    def secrets(self) -> set[str]:
        """Values that must not show anywhere: passwords, tokens, and headers that are sent, harmless ones left out."""
        sent = [check.headers for check in self.checks] + [flag.headers for flag in self.flags.values()]
        found = {
            str(value)
            for headers in sent
            for name, value in headers.items()
            if name.lower() not in HARMLESS_HEADERS and value
        }
        passwords = {database.password for database in self.postgres if database.password}
        return found | passwords | {api.token for api in (self.mcp, self.github) if api}

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check of every service, in the order of the description."""
        return tuple(check for service in self.services.values() for check in service.checks)


def parse(raw: Mapping[str, Any] | None) -> Stack:
    """Turn ``rollback_stack`` into a Stack.

    :raises RollbackError: naming the key that is wrong and what would be right.
    """
    if not raw:
        raise RollbackError(
            "rollback_stack is not set for this host",
            "Describe the stack in the inventory; discover.yml writes the variable for a project that runs.",
        )
    swarm = isinstance(raw, Mapping) and raw.get("engine") == SWARM
    values = validated(_SWARM_SPEC if swarm else _STACK_SPEC, raw, "rollback_stack")
    if swarm:
        _refuse_unsupported(raw, values)
    elif not PurePosixPath(values["project_src"]).is_absolute():
        raise RollbackError(
            f"rollback_stack.project_src is not an absolute path: {values['project_src']}",
            "Give the directory on the target host that holds the Compose file.",
        )
    if values["metrics"] is not None and not PurePosixPath(values["metrics"]).is_absolute():
        raise RollbackError(
            f"rollback_stack.metrics is not an absolute path: {values['metrics']}",
            "Give the directory on the target host that node_exporter's textfile collector reads.",
        )
    for key in ("files", "env_files", "config"):
        if values[key] is not None:
            # In one spelling, since a manifest names files the same way.
            values[key] = [_names.relative_path(path, f"rollback_stack.{key}") for path in values[key]]
    values["services"] = {name: _service(name, entry) for name, entry in values["services"].items()}
    _refuse_wrong_order(values["services"], swarm=swarm)
    values["flags"] = {name: _flag(name, entry) for name, entry in values["flags"].items()}
    values.update(_databases(values))
    for key, spec, parse_api in (
        ("mcp", _api.MCP_SPEC, _api.parse_mcp),
        ("github", _api.GITHUB_SPEC, _api.parse_github),
    ):
        if values[key] is not None:
            where = f"rollback_stack.{key}"
            values[key] = parse_api(validated(spec, values[key], where), where)
    values["name"] = _names.stack_name(values["name"])
    values["more_checks"] = values.pop("checks")
    return Stack(**databases.frozen(values))


def _refuse_unsupported(raw: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse what a stack of a swarm cannot have, or not yet.

    :param raw: the description as it was written; a default is nothing that anybody asked for.
    """
    services = {name: entry for name, entry in values["services"].items() if isinstance(entry, Mapping)}
    said = [("", raw, _SWARM_KEYS)]
    said += [(f"services.{name}.", entry, _SWARM_SERVICE_KEYS) for name, entry in services.items()]
    for where, given, known in said:
        if other := sorted(set(given) - known):
            raise RollbackError(
                f"rollback_stack with engine swarm cannot have {', '.join(where + key for key in other)}",
                f"It knows: {', '.join(sorted(known))}. Data, files and flags need engine compose; see docs/swarm.md.",
            )


def _refuse_wrong_order(services: Mapping[str, Service], *, swarm: bool) -> None:
    needs = {name: service.depends_on for name, service in services.items() if service.depends_on}
    if needs and not swarm:
        raise RollbackError(
            f"rollback_stack.services.{next(iter(needs))} has depends_on, which is for engine swarm",
            "For engine compose the Compose file says it.",
        )
    _order.refuse_cycle(needs, "rollback_stack.services")


def _databases(raw: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, spec, parse_one in (
        ("postgres", databases.POSTGRES_SPEC, databases.parse_postgres),
        ("sqlite", databases.SQLITE_SPEC, databases.parse_sqlite),
    ):
        where = [f"rollback_stack.{kind}[{n}]" for n in range(len(raw[kind]))]
        found[kind] = tuple(
            parse_one(validated(spec, entry, at), at) for entry, at in zip(raw[kind], where, strict=True)
        )
    names = [database.name for kind in found.values() for database in kind]
    for name in names:
        _names.database(name)
        if names.count(name) > 1:
            raise RollbackError(f"two databases of rollback_stack are called {name}", "Give each a name of its own.")
    return found


def checks(raw: Sequence[Any], where: str, prefix: str = "check") -> list[Check]:
    """Turn descriptions of checks into checks; one without a name is called by *prefix* and its place.

    :raises RollbackError: naming the key that is wrong and what would be right.
    """
    return [_check(f"{prefix}-{n}", entry, f"{where}[{n}]") for n, entry in enumerate(raw)]


def _service(name: str, raw: Mapping[str, Any] | None) -> Service:
    where = f"rollback_stack.services.{name}"
    values = validated(_SERVICE_SPEC, raw or {}, where)
    values["checks"] = checks(values["checks"], f"{where}.checks", name)
    return Service(name=name, **databases.frozen(values))


def _flag(name: str, raw: Mapping[str, Any] | None) -> Flag:
    where = f"rollback_stack.flags.{name}"
    values = validated(_flags.FLAG_SPEC, raw or {}, where)
    for key in ("status_url", "api_url"):
        if values[key]:
            _names.http_url(values[key], f"{where}.{key}")
    flag = Flag(name=name, **databases.frozen(values))
    _flags.refuse_halves(flag, where)
    return flag


def _check(default_name: str, raw: Mapping[str, Any], where: str) -> Check:
    values = validated(CHECK_SPEC, raw, where)
    _names.http_url(values["url"], f"{where}.url")
    values["name"] = values["name"] or default_name
    return Check(**databases.frozen(values))


def validated(spec: Mapping[str, Any], raw: Any, where: str) -> dict[str, Any]:
    """Return a dictionary of the user's with defaults and types put in.

    :raises RollbackError: naming the key that is wrong, and those that there are.
    """
    if not isinstance(raw, Mapping):
        raise RollbackError(f"{where} must be a dictionary, not {type(raw).__name__}", "See the README's example.")
    result = ArgumentSpecValidator(dict(spec)).validate(dict(raw))
    if result.error_messages:
        raise RollbackError(f"{where}: {'; '.join(result.error_messages)}", f"Known keys: {', '.join(sorted(spec))}.")
    return dict(result.validated_parameters)
