# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last Friday of each month, in the words of whoever starts drills (pure)."""

from __future__ import annotations

from datetime import date

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def schedule(hour: int, minute: int, timezone: str, first: date) -> dict[str, str]:
    """Return when drills start.

    :param first: the day that AWX counts from.
    :returns: ``cron``, the five fields, with ``guard``, the test that must precede the command since cron joins day of
        month and day of week by OR; ``systemd``, an ``OnCalendar=``; ``awx``, an ``rrule``.
    """
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise RollbackError(f"there is no such time of day: {hour}:{minute:02}", "Give hour (0-23) and minute (0-59).")
    return {
        "cron": f"{minute} {hour} * * 5",
        # In a crontab a per cent sign begins the command's input unless a backslash precedes it.
        "guard": r'[ "$(date -d +7days +\%m)" != "$(date +\%m)" ]',
        "systemd": f"Fri *-*~07/1 {hour:02}:{minute:02}:00 {timezone}",
        "awx": (
            f"DTSTART;TZID={timezone}:{first:%Y%m%d}T{hour:02}{minute:02}00 RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR"
        ),
    }
