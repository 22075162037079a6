# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends: report, ledger, journal, in the order that a kill between any two of them does no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _journal, _ledger, _outcome
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal


def end(state: Path, stack: str, journal: Journal, probe_log: bytes) -> dict[str, Any]:
    """Write a run's reports and its line of the ledger, and close its journal.

    A run that could neither reach its target nor return stays in the journal, so that the same command continues it
    and an undo undoes it.

    :param probe_log: the log of the requests sent during the run.
    :returns: ``report``, the path of the Markdown report, and ``record``, everything it says.
    """
    record = _outcome.record(journal, stack, _journal.now())
    report = _files.private_directory(state / "reports") / f"{journal.run.id}.md"
    _files.write(report.with_suffix(".probe.jsonl"), probe_log)
    _files.write(report.with_suffix(".json"), _files.dump_json(record))
    _files.write(report, _outcome.markdown(record).encode())
    _ledger.append(state, _outcome.summary(record))
    _files.remove(state / _journal.BALLAST)
    if record["outcome"] != _outcome.FAILED:
        journal.close()
    return {"report": str(report), "record": record}
