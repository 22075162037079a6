# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import calendar
import shutil
import subprocess
from datetime import date, datetime, timedelta

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _schedule
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

YEARS = range(2024, 2034)
#: The last Friday of every month of these years: what the standard library's calendar says.
FRIDAYS = [
    date(year, month, max(week[calendar.FRIDAY] for week in calendar.monthcalendar(year, month)))
    for year in YEARS
    for month in range(1, 13)
]
FIRST = date(2026, 11, 1)


def test_the_guard_of_cron_lets_just_those_fridays_through() -> None:
    guard = _schedule.schedule(3, 0, "UTC", FIRST)["guard"].replace("\\%", "%")
    fridays = [FRIDAYS[0] - timedelta(days=21) + timedelta(days=7 * n) for n in range(60)]
    # The same test, with each of these days in the place of today.
    script = "\n".join(
        f"{guard.replace('date -d +7days', f'date -d {d + timedelta(days=7)}').replace('(date +', f'(date -d {d} +')}"
        f" && echo {d}"
        for d in fridays
    )
    said = subprocess.run(["sh", "-c", f"{script}\ntrue"], capture_output=True, text=True, check=True).stdout.split()
    assert said == [str(day) for day in FRIDAYS if fridays[0] <= day <= fridays[-1]]


def test_each_says_it_in_its_own_words() -> None:
    found = _schedule.schedule(3, 5, "Europe/Berlin", FIRST)
    assert found["cron"] == "5 3 * * 5"
    assert found["systemd"] == "Fri *-*~07/1 03:05:00 Europe/Berlin"
    assert found["awx"] == "DTSTART;TZID=Europe/Berlin:20261101T030500 RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_means_the_same_days() -> None:
    when = _schedule.schedule(3, 0, "UTC", FIRST)["systemd"]
    command = ["systemd-analyze", "calendar", "--base-time=2024-01-01", f"--iterations={len(FRIDAYS)}", when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"systemd-analyze is too old: {done.stderr}")
    days = [line.split("Fri ")[1][:10] for line in done.stdout.splitlines() if "Fri 20" in line and "UTC" in line]
    days = [day for day in days if datetime.fromisoformat(day)]
    assert list(dict.fromkeys(days)) == [str(day) for day in FRIDAYS]


@pytest.mark.parametrize(("hour", "minute"), [(24, 0), (-1, 0), (3, 60)])
def test_a_time_that_is_none_is_refused(hour: int, minute: int) -> None:
    with pytest.raises(RollbackError, match="no such time of day"):
        _schedule.schedule(hour, minute, "UTC", FIRST)
