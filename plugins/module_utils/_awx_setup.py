# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says of an AWX that is to know the playbooks, ``awx_setup``, checked (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import validated

_WHERE = "awx_setup"
#: A name that AWX takes for nothing else: not for a number, and not for a named URL.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 ._:()-]{0,99}")
_URL = re.compile(r"(https?://|ssh://[A-Za-z0-9._-]+@|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)[A-Za-z0-9._~:/@+-]{1,400}")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,254}")
_LIMIT = re.compile(r"[A-Za-z0-9._:,*!&-]{0,200}")
#: Shorter than this nobody can read what is to be approved.
_SHORTEST_APPROVAL = 60
EVENTS = ("started", "success", "error", "approvals")

_TYPES = ("awssns", "email", "grafana", "irc", "mattermost", "pagerduty", "rocketchat", "slack", "twilio", "webhook")
#: The argument specification of ``awx_setup``.
OPTIONS: dict[str, dict[str, Any]] = {
    "organization": {"type": "str", "default": "Rollback"},
    "project": {
        "type": "dict",
        "required": True,
        "options": {
            "url": {"type": "str", "required": True},
            "branch": {"type": "str", "default": "main"},
            "credential": {"type": "str"},
        },
    },
    "execution_environment": {
        "type": "dict",
        "required": True,
        "options": {"image": {"type": "str", "required": True}, "credential": {"type": "str"}},
    },
    "inventory": {"type": "str", "default": "inventories/example/hosts.yml"},
    "credentials": {"type": "list", "elements": "str"},
    "playbooks": {"type": "list", "elements": "str"},
    "notifications": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True, "choices": list(_TYPES)},
            "configuration": {"type": "dict", "required": True, "no_log": True},
            "on": {"type": "list", "elements": "str", "choices": list(EVENTS), "default": ["error", "approvals"]},
        },
    },
    "approval_timeout": {"type": "int"},
    "drill": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "default": True},
            "hour": {"type": "int", "default": 3},
            "minute": {"type": "int", "default": 0},
            "timezone": {"type": "str", "default": "UTC"},
            "limit": {"type": "str", "default": ""},
        },
        "apply_defaults": True,
    },
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is to be made in AWX, each as ``awx_setup`` says it."""

    organization: str
    project: Mapping[str, Any]
    execution_environment: Mapping[str, Any]
    inventory: str
    credentials: list[str] | None
    playbooks: list[str] | None
    notifications: list[dict[str, Any]] | None
    approval_timeout: int | None
    drill: Mapping[str, Any]


def parse(raw: Any) -> Setup:
    """Read ``awx_setup`` strictly.

    :raises RollbackError: naming what is wrong, and never a secret.
    """
    found = Setup(**validated(OPTIONS, raw, _WHERE))
    project, image = found.project, found.execution_environment["image"]
    for where, name in _names_of(found):
        if not _NAME.fullmatch(name):
            raise RollbackError(
                f"{where} is no plain name", "Use letters, digits, spaces and '._:()-', a letter first."
            )
    if not _URL.fullmatch(project["url"]) or re.match(r"[^/]*//[^/]*:[^/]*@", project["url"]):
        raise RollbackError(
            f"{_WHERE}.project.url is no URL of a repository, or holds a password",
            "Write https://HOST/PATH or git@HOST:PATH; a secret belongs in a credential of AWX, which "
            "project.credential names.",
        )
    _names.branch(project["branch"], f"{_WHERE}.project.branch")
    if not _IMAGE.fullmatch(image):
        raise RollbackError(f"{_WHERE}.execution_environment.image is no image: {image!r:.120}", "Write HOST/NAME:TAG.")
    _names.relative_path(found.inventory, f"{_WHERE}.inventory")
    _names.launch_values({"timezone": found.drill["timezone"]}, ["timezone"])
    if not _LIMIT.fullmatch(found.drill["limit"]):
        raise RollbackError(f"{_WHERE}.drill.limit is no pattern of hosts", "Name hosts or groups.")
    if found.approval_timeout is not None and found.approval_timeout < _SHORTEST_APPROVAL:
        raise RollbackError(
            f"{_WHERE}.approval_timeout is {found.approval_timeout}, and an approval that never ends, or before "
            "anybody can give it, helps nobody",
            f"Give it {_SHORTEST_APPROVAL} seconds or more, or leave it out: the decision matrix has deadlines.",
        )
    return found


def _names_of(setup: Setup) -> list[tuple[str, str]]:
    listed = [(f"a name in {_WHERE}.credentials", name) for name in setup.credentials or ()]
    for key in ("project", "execution_environment"):
        if (name := getattr(setup, key)["credential"]) is not None:
            listed.append((f"{_WHERE}.{key}.credential", name))
    listed += [(f"a name in {_WHERE}.notifications", each["name"]) for each in setup.notifications or ()]
    return [(f"{_WHERE}.organization", setup.organization), *listed]
