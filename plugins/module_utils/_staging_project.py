# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendered Compose project turned into one that shares nothing with it (pure).

What is kept of a service is listed; what is not listed is refused, so that a key which a later Compose brings is never
let through unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: What has no effect outside the container.
_KEPT = frozenset(
    [
        "cap_drop",
        "command",
        "cpu_count",
        "cpu_percent",
        "cpu_period",
        "cpu_quota",
        "cpu_shares",
        "cpus",
        "cpuset",
        "deploy",
        "depends_on",
        "dns_opt",
        "dns_search",
        "domainname",
        "entrypoint",
        "environment",
        "expose",
        "healthcheck",
        "hostname",
        "init",
        "labels",
        "mem_limit",
        "mem_reservation",
        "mem_swappiness",
        "memswap_limit",
        "networks",
        "pids_limit",
        "platform",
        "read_only",
        "restart",
        "scale",
        "shm_size",
        "stdin_open",
        "stop_grace_period",
        "stop_signal",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "user",
        "volumes",
        "working_dir",
        "configs",
        "secrets",
        "ports",
        "image",
        "container_name",
        "extra_hosts",
        "group_add",
        "security_opt",
        "cap_add",
    ]
)
#: What a copy goes without: how it is built or chosen, where its log goes, and by what others find it.
_DROPPED = frozenset(
    [
        "annotations",
        "attach",
        "blkio_config",
        "build",
        "develop",
        "dns",
        "env_file",
        "links",
        "logging",
        "mac_address",
        # A copy is not to outlive production where memory runs out.
        "oom_kill_disable",
        "oom_score_adj",
        "profiles",
        "pull_policy",
        "storage_opt",
        "label_file",
    ]
)
_CAPABILITIES = frozenset(
    [
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
        "AUDIT_WRITE",
        "IPC_LOCK",
        "SYS_NICE",
    ]
)
_SOCKET = "docker.sock"
_SYSTEM = ("/proc", "/sys", "/dev", "/run", "/var/run", "/boot")
_LEFT_OUT = "Leave the service out: -e without=NAME (several with commas between them). Nothing was made."


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where and under which names the copy is made.

    :param name: of its project, and what every other name begins with.
    :param stack: the stack that is copied.
    :param ports: of the host by that of production, both as ``tcp/8000``.
    :param paths: where the copy of each path on the host lies, links in both resolved.
    :param real: paths as the project names them, with links resolved.
    :param without: services that are left out.
    """

    name: str
    stack: str
    ports: Mapping[str, str]
    paths: Mapping[str, str]
    real: Mapping[str, str]
    without: Collection[str] = ()


def services(definition: Mapping[str, Any], without: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the services that the copy has.

    :raises RollbackError: when one is to be left out that there is not, or that others need.
    """
    there = definition.get("services") or {}
    if unknown := sorted(set(without) - set(there)):
        raise RollbackError(f"no service is called {', '.join(unknown)}", f"Services: {', '.join(sorted(there))}.")
    kept = {name: dict(entry) for name, entry in there.items() if name not in without}
    if not kept:
        raise RollbackError("every service is left out", "Leave one that can be copied.")
    return kept


def sources(definition: Mapping[str, Any], without: Collection[str]) -> set[str]:
    """Return the paths on the host that the copy needs a copy of."""
    kept = services(definition, without).values()
    found = {m["source"] for each in kept for m in each.get("volumes") or () if m.get("type") == "bind"}
    for kind in ("configs", "secrets"):
        named = definition.get(kind) or {}
        used = {use["source"] for each in kept for use in each.get(kind) or ()}
        found |= {named[name]["file"] for name in used if "file" in (named.get(name) or {})}
    return found


def published(definition: Mapping[str, Any], without: Collection[str]) -> list[str]:
    """Return the ports on the host that the copy needs others for, as ``tcp/8000``."""
    return sorted(
        {
            f"{port.get('protocol') or 'tcp'}/{port['published']}"
            for each in services(definition, without).values()
            for port in each.get("ports") or ()
            if str(port.get("published") or "").isdigit()
        }
    )


def refuse_unsafe(definition: Mapping[str, Any], without: Collection[str]) -> None:
    """Refuse services that could reach out of a copy.

    :raises RollbackError: naming every service and what is wrong with it.
    """
    found = [
        f"{name}: {problem}"
        for name, entry in sorted(services(definition, without).items())
        for problem in _problems(entry, definition)
    ]
    if found:
        raise RollbackError(f"a copy of this stack could reach production: {'; '.join(found)}", _LEFT_OUT)


def _problems(entry: Mapping[str, Any], definition: Mapping[str, Any]) -> list[str]:
    unknown = [key for key in entry if key not in _KEPT | _DROPPED and entry[key] not in (None, False, "", [], {})]
    # These have a value that stays inside the container.
    harmless = {"network_mode": ("none",), "ipc": ("private", "none", "shareable"), "cgroup": ("private",)}
    found = [f"{key}: {_shown(entry[key])}" for key in sorted(unknown) if entry[key] not in harmless.get(key, ())]
    strong = {str(each).upper().removeprefix("CAP_") for each in entry.get("cap_add") or ()} - _CAPABILITIES
    found += [f"cap_add: {each}" for each in sorted(strong)]
    found += [
        f"security_opt: {each}"
        for each in entry.get("security_opt") or ()
        if str(each) not in ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")
    ]
    found += [f"extra_hosts: {each}" for each in _hosts(entry) if "host-gateway" in each]
    resources = (entry.get("deploy") or {}).get("resources") or {}
    if any((part or {}).get("devices") for part in resources.values()):
        found.append("deploy: devices")
    found += [problem for mount in entry.get("volumes") or () for problem in _mount_problems(mount)]
    for kind in ("configs", "secrets"):
        named = definition.get(kind) or {}
        used = [named.get(use["source"]) or {} for use in entry.get(kind) or ()]
        if any("file" not in each and "content" not in each for each in used):
            found.append(f"{kind}: only those from files are copied")
    return found


def _mount_problems(mount: Mapping[str, Any]) -> list[str]:
    kind, source = mount.get("type"), str(mount.get("source") or "")
    if kind not in ("bind", "volume", "tmpfs"):
        return [f"volumes: of type {kind}"]
    if kind != "bind":
        return []
    if source.endswith(_SOCKET):
        return [f"volumes: {source} is the engine itself"]
    if source == "/" or any(source == root or source.startswith(f"{root}/") for root in _SYSTEM):
        return [f"volumes: {source} is the system's"]
    if (mount.get("bind") or {}).get("propagation") not in (None, "", "private", "rprivate"):
        return [f"volumes: {source} with propagation"]
    return []


def _hosts(entry: Mapping[str, Any]) -> list[str]:
    hosts = entry.get("extra_hosts") or []
    return (
        [f"{name}={address}" for name, address in hosts.items()] if isinstance(hosts, Mapping) else [*map(str, hosts)]
    )


def _shown(value: object) -> str:
    return str(value) if isinstance(value, (str, bool, int)) else "set"


def rewrite(definition: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Return the project of the staging copy."""
    kept = services(definition, layout.without)
    project: dict[str, Any] = {
        "name": layout.name,
        "services": {name: _service(name, entry, kept, layout) for name, entry in kept.items()},
        "networks": {key: _network(key, layout) for key in definition.get("networks") or {}},
        "volumes": {
            # Without what it was made with: a driver or an option may lead to production's own storage.
            key: {"name": f"{layout.name}_{key}", "labels": {_drill.LABEL: layout.stack}}
            for key in definition.get("volumes") or {}
        },
    }
    for kind in ("configs", "secrets"):
        if named := {key: _file(entry or {}, layout) for key, entry in (definition.get(kind) or {}).items()}:
            used = {use["source"] for each in kept.values() for use in each.get(kind) or ()}
            project[kind] = {key: entry for key, entry in named.items() if key in used}
    return {key: value for key, value in project.items() if value}


def _network(key: str, layout: Layout) -> dict[str, Any]:
    # Addresses are not translated for it: what it sends to other machines gets no answer.
    options = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    return {
        "name": f"{layout.name}_{key}",
        "driver": "bridge",
        "driver_opts": options,
        "labels": {_drill.LABEL: layout.stack},
    }


def _file(entry: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    if "file" in entry:
        return {"file": _place(entry["file"], layout)}
    return {"content": entry["content"]} if "content" in entry else {}


def _service(name: str, entry: Mapping[str, Any], kept: Collection[str], layout: Layout) -> dict[str, Any]:
    service = {key: value for key, value in entry.items() if key in _KEPT or key in ("network_mode", "ipc", "cgroup")}
    service = {key: value for key, value in service.items() if value is not None or key in ("command", "entrypoint")}
    service["image"] = image(layout.name, name)
    # Those of production are how proxies, updaters and healers find it.
    service["labels"] = {_drill.LABEL: layout.stack}
    if service.get("container_name"):
        service["container_name"] = container(layout.name, str(service["container_name"]))
    if "depends_on" in service:
        service["depends_on"] = {on: how for on, how in service["depends_on"].items() if on in kept}
    if "networks" in service:
        service["networks"] = {
            key: _attachment(how or {}, entry.get("container_name")) for key, how in service["networks"].items()
        }
    if "ports" in service:
        service["ports"] = [moved for port in service["ports"] for moved in _port(port, layout)]
    if "volumes" in service:
        service["volumes"] = [_mount(mount, layout) for mount in service["volumes"]]
    if "deploy" in service:
        service["deploy"] = {
            key: value for key, value in service["deploy"].items() if key in ("replicas", "resources", "restart_policy")
        }
    return service


def image(name: str, service: str) -> str:
    """Return the name of a service's image in a staging copy."""
    return f"{name}/{service.lower()}:drill"


def container(name: str, fixed: str) -> str:
    """Return the name that a container with a fixed one has in a staging copy."""
    return f"{name}-{fixed}"


def _attachment(how: Mapping[str, Any], fixed: str | None) -> dict[str, Any]:
    # A fixed name of a container is one that others ask for it by.
    aliases = list(dict.fromkeys([*(how.get("aliases") or ()), *([fixed] if fixed else [])]))
    return {"aliases": aliases} if aliases else {}


def _port(port: Mapping[str, Any], layout: Layout) -> list[dict[str, Any]]:
    moved = layout.ports.get(f"{port.get('protocol') or 'tcp'}/{port.get('published')}")
    if moved is None:
        return []
    return [
        {
            "mode": "ingress",
            "target": port["target"],
            "published": moved.partition("/")[2],
            "protocol": port.get("protocol") or "tcp",
            "host_ip": _drill.OWN_HOST,
        }
    ]


def _mount(mount: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    kept = {key: mount[key] for key in ("type", "source", "target", "read_only", "tmpfs", "volume") if mount.get(key)}
    if mount.get("type") == "bind":
        return {**kept, "source": _place(mount["source"], layout), "bind": {"create_host_path": False}}
    return kept


def _place(source: str, layout: Layout) -> str:
    # A path that there is no copy of leads nowhere, rather than to production.
    return _drill.moved(layout.real.get(source, source), layout.paths) or f"/{layout.name}/none"


def escaped(value: Any) -> Any:
    """Return a rendered project in the form that Compose reads back: it must put no variable in again."""
    if isinstance(value, Mapping):
        return {key: escaped(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [escaped(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
