# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that clients and planning raise; only a module's ``main()`` turns it into a failure."""

from __future__ import annotations


class RollbackError(Exception):
    """A failure that a person can act on.

    :param message: what is wrong, one sentence without a full stop needed.
    :param hint: what to do next; may be empty.
    :param facts: values a module returns beside the message.
    """

    def __init__(self, message: str, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message}\nHINT: {self.hint}" if self.hint else self.message
