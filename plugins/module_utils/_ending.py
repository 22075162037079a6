# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends: report, ledger, journal, in the order that a kill between any two of them does no harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _journal, _ledger, _outcome, _reports
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal


def end(state: Path, stack: str, journal: Journal, probe_log: bytes, warn: Callable[[str], None]) -> dict[str, Any]:
    """Write a run's reports and its line of the ledger, and close its journal.

    A run that could neither reach its target nor return stays in the journal, so that the same command continues it
    and an undo undoes it.

    :param probe_log: the log of the requests sent during the run.
    :param warn: told which report could not be written.
    :returns: ``report``, the path of the Markdown report, and ``record``, everything it says.
    """
    record = _outcome.record(journal, stack, _journal.now())
    # From here on the room is for the reports and the ledger.
    _files.remove(state / _journal.BALLAST)
    report = _reports.write(state, record, _outcome.markdown, _outcome.next_steps, warn, probe_log)
    _ledger.append(state, _outcome.summary(record))
    if record["outcome"] != _outcome.FAILED:
        journal.close()
    return {"report": str(report), "record": record}
