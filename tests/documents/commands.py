# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that pages, and the first lines of playbooks, tell; and what those playbooks take."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.splitter import parse_kv
from ansible_collections.tiered.rollback.plugins.module_utils import _accepted
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks

#: A command that is told, up to the end of its line, its backticks, or the remark that spaces set off.
_COMMAND = re.compile(r"(?:(?P<typed>`?ansible-playbook (?:-i \S+ )?)|`)(?P<name>[\w.-]+)(?P<rest>(?: [^\s`|]+)*)")
_FQCN = "tiered.rollback."


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line.

    :param playbook: as it is typed.
    :param given: extra variables, as a shell would give them; what stands in brackets too, which may be left out.
    :param options: its other words.
    """

    playbook: str
    given: tuple[str, ...]
    options: tuple[str, ...]

    def variables(self) -> dict[str, Any]:
        """Return the extra variables by name; what a file holds is not known."""
        found: dict[str, Any] = {}
        for given in self.given:
            if given.startswith("{"):
                found |= json.loads(given)
            elif not given.startswith("@"):
                pairs = parse_kv(given)
                if "_raw_params" in pairs:
                    # Ansible splits at spaces, whatever quotes the shell has taken away.
                    raise ValueError(f"-e {given!r} loses {pairs['_raw_params']!r}")
                found |= pairs
        return found


def told(text: str) -> list[Command]:
    """Return the commands that a text tells; the name of a playbook alone is one."""
    found = []
    for match in _COMMAND.finditer(text):
        if not match["typed"] and not exists(match["name"]):
            continue
        words = iter(shlex.split(match["rest"].replace("[", "").replace("]", "")))
        given, options = [], []
        for word in words:
            if word == "-e":
                given.append(next(words))
            else:
                options.append(word)
        found.append(Command(playbook=match["name"], given=tuple(given), options=tuple(options)))
    return found


def exists(playbook: str) -> bool:
    """Whether there is a playbook of this name: the one that people type, or the FQCN."""
    dotted = playbook.startswith(_FQCN) and "-" not in playbook
    return (dotted or playbook.endswith(".yml")) and _file(playbook).is_file()


def name(playbook: str) -> str:
    """Return the name that people type of a playbook, without its suffix."""
    return playbook.removeprefix(_FQCN).removesuffix(".yml").replace("_", "-")


@cache
def taken(playbook: str) -> frozenset[str]:
    """Return what a playbook takes at launch."""
    plays = yaml.safe_load(_file(playbook).read_text(encoding="utf-8"))
    launches = [play["tasks"][0].get("tiered.rollback.launch") for play in plays]
    return frozenset(each for launch in launches if launch for each in _accepted.accepted(launch))


def _file(playbook: str) -> Path:
    return _playbooks.source(name(playbook))
