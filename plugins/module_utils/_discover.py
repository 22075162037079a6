# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A description of a Compose project that runs, for a person to check (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

_PREFIX = "com.docker.compose.project."
#: Every profile, so that services which run under one are seen.
ALL_PROFILES = ["*"]


def from_labels(project: str, labels: Mapping[str, str]) -> Stack:
    """Return what Compose's labels on a container say of its project.

    :raises RollbackError: when the project's files lie outside its directory or the labels are missing.
    """
    directory = labels.get(f"{_PREFIX}working_dir")
    files = [path for path in labels.get(f"{_PREFIX}config_files", "").split(",") if path]
    env_files = [path for path in labels.get(f"{_PREFIX}environment_file", "").split(",") if path]
    if not directory or not files:
        raise RollbackError(
            f"the containers of {project} do not say where their Compose file is",
            "Describe the stack by hand; see the example inventory.",
        )
    raw = {
        "name": project,
        "project_name": project,
        "project_src": directory,
        "files": [_relative(path, directory) for path in files],
        "env_files": [_relative(path, directory) for path in env_files],
        "profiles": ALL_PROFILES,
    }
    return _stack.parse(raw)


def describe(
    stack: Stack,
    definition: Mapping[str, Any],
    running: Collection[str],
    env_files: Collection[str],
    exists: Callable[[str], bool],
) -> tuple[dict[str, Any], list[str]]:
    """Return ``rollback_stack`` for a project, and what a person should look at.

    :param definition: the project rendered with every profile.
    :param running: services that have containers.
    :param env_files: environment files of services.
    :param exists: whether a path below the project's directory is a file.
    """
    root = PurePosixPath(stack.project_src)
    services = {name: definition["services"][name] for name in running if name in definition["services"]}
    raw: dict[str, Any] = {"name": stack.name, "project_src": stack.project_src}
    if definition.get("name") != root.name:
        raw["project_name"] = definition["name"]
    raw["files"] = list(stack.files)
    if stack.env_files:
        raw["env_files"] = list(stack.env_files)
    profiles = sorted({profile for service in services.values() for profile in service.get("profiles") or ()})
    if profiles:
        raw["profiles"] = profiles
    candidates = [*stack.files, *(stack.env_files or (".env",)), *env_files, *_mounted(services, root)]
    raw["config"] = [path for path in dict.fromkeys(candidates) if exists(path)]
    raw["services"] = {name: _service(service) for name, service in sorted(services.items())}
    found = raw, _remarks(raw, definition, running)
    _names.refuse_templates(found, "the project")
    return found


def _service(service: Mapping[str, Any]) -> dict[str, Any]:
    ports = [port for port in service.get("ports") or () if port.get("published") and port.get("protocol") != "udp"]
    hosts = [_reachable(port.get("host_ip")) for port in ports]
    checks = [{"url": f"http://{host}:{port['published']}/"} for host, port in zip(hosts, ports, strict=True)]
    return {"checks": checks} if checks else {}


def _reachable(host_ip: str | None) -> str:
    if host_ip in (None, "", "0.0.0.0", "::"):  # nosec B104  # compared, not bound
        return "127.0.0.1"
    return f"[{host_ip}]" if ":" in host_ip else host_ip


def _mounted(services: Mapping[str, Any], root: PurePosixPath) -> list[str]:
    """Files below the project's directory that a service mounts read-only: configuration by all appearances."""
    sources = [
        PurePosixPath(mount["source"])
        for service in services.values()
        for mount in service.get("volumes") or ()
        if mount.get("type") == "bind" and mount.get("read_only")
    ]
    return sorted(str(source.relative_to(root)) for source in sources if source.is_relative_to(root))


def _remarks(raw: Mapping[str, Any], definition: Mapping[str, Any], running: Collection[str]) -> list[str]:
    found = [
        f"{name} has a published port but was given a guessed check: {check['url']}; name a page that proves it works"
        for name, service in raw["services"].items()
        for check in service.get("checks", ())
    ]
    if not found:
        found.append("no service publishes a port, so there is no check yet; add one that proves the stack works")
    found += [f"{name} runs but is not in the Compose files" for name in running if name not in definition["services"]]
    return found


def _relative(path: str, directory: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute():
        return path
    if not pure.is_relative_to(directory):
        raise RollbackError(
            f"{path} lies outside the project's directory {directory}",
            "Describe the stack by hand, or move the file.",
        )
    return str(pure.relative_to(directory))
