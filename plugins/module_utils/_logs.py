# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers printed last: how many lines speak of errors, and the last of these."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _masking
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

_LINES = 500
_SHOWN = 3
_LENGTH = 300
_ERROR = re.compile(r"\b(error|fatal|exception|traceback|panic|critical)\b", re.IGNORECASE)


def assess(engine: Engine, containers: Sequence[Container], secrets: Collection[str]) -> list[dict[str, Any]]:
    """Read the last lines of every container, oldest service name first.

    :param secrets: values that are masked in what is shown.
    :returns: per container ``name``, ``lines`` (read), ``errors`` (lines that speak of one) and the ``last`` of those.
    """
    found = []
    for container in containers:
        lines = engine.log_tail(container.id, _LINES).splitlines()
        errors = of_errors(lines)
        last = [_masking.mask(line, secrets)[:_LENGTH] for line in errors[-_SHOWN:]]
        found.append({"name": container.name, "lines": len(lines), "errors": len(errors), "last": last})
    return found


def of_errors(lines: Sequence[str]) -> list[str]:
    """Return the lines that speak of an error."""
    return [line for line in lines if _ERROR.search(line)]
