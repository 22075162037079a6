# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One assignment of an environment file, everything else byte for byte as it was (pure)."""

from __future__ import annotations

import re

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_PLAIN = re.compile(r"[A-Za-z0-9._/:@+-]*")


def set_variable(text: str, name: str, value: str) -> str:
    """Return the text with ``name=value``, in place where it is assigned, at the end where it is not.

    Compose takes the last assignment of a name, so the last one is changed.

    :raises RollbackError: for a value that would need quoting; a version never does.
    """
    if not _PLAIN.fullmatch(value):
        raise RollbackError(f"{name} cannot be set to {value!r} in an environment file", "Use a plain version name.")
    pattern = re.compile(rf"^(?P<head>[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*=[ \t]*)[^\r\n]*", re.MULTILINE)
    found = list(pattern.finditer(text))
    if not found:
        separator = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{separator}{name}={value}\n"
    last = found[-1]
    return f"{text[: last.start()]}{last['head']}{value}{text[last.end() :]}"
