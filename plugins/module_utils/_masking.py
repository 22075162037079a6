# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that others quote: what a command, a server or a log says may hold what it was given (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

#: What stands in a secret's place.
HIDDEN = "***"


def mask(value: Any, secrets: Collection[str]) -> Any:
    """Return JSON types with every secret in their texts hidden; keys of mappings are words of ours.

    :param secrets: the longest is hidden first, since one may hold another; empty ones count for nothing.
    """
    return _masked(value, sorted(filter(None, secrets), key=len, reverse=True))


def lengthy(values: Collection[Any]) -> set[str]:
    """Return those of values nobody has called secret that may be one: what is short is a word, a number, a flag."""
    return {str(value) for value in values if len(str(value)) > 3}


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(each, secrets) for each in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
    return value
