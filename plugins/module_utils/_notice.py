# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run when it begins and when it has ended (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _incident, _outcome, _telling
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain


def begun(run: Mapping[str, Any], stack: str, asked: str) -> dict[str, str]:
    """Tell that a run begins.

    :param asked: what it is going to do, in a few words.
    """
    return _notice("start", f"{stack}: {asked} begins", run, _outcome.decision(run.get("decision")))


def ended(run: Mapping[str, Any], stack: str, asked: str, result: Mapping[str, Any]) -> dict[str, str]:
    """Tell what became of a run.

    :param result: what its module returned; without a record where it was refused or had nothing to do.
    """
    failed = bool(result.get("failed"))
    if record := result.get("record"):
        return {"event": "failure" if failed else "success", **_incident.notification(record)}
    if failed:
        said = str(result.get("msg") or "the output of the run says why")
        more = ["", *plain_lines(said), "", *_outcome.escalation(run)]
        return _notice("failure", f"{stack}: {asked} was not begun", run, more)
    return _notice("success", f"{stack}: {asked} had nothing to do", run, [])


def plain_lines(text: str) -> list[str]:
    """Return lines that cannot break out of where they are put."""
    return [plain(line) for line in text.splitlines()]


def _notice(event: str, subject: str, run: Mapping[str, Any], more: list[str]) -> dict[str, str]:
    reason = run.get("reason") or "not stated"
    lines = [
        f"Reason: {plain(reason)}",
        f"Run {_telling.known(run, 'id')} by {_telling.known(run, 'user')} on {_telling.known(run, 'host')}, "
        f"{_telling.moment(run.get('started'))}",
        *more,
    ]
    # The subject becomes a header of an e-mail.
    return {"event": event, "subject": " ".join(subject.split()), "text": "\n".join(lines)}
