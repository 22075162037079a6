# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that tell of a run, side by side and all from one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _files, _incident, _report_html

#: What the others are made from, or nothing could be made from.
_EVIDENCE = (".json", ".probe.jsonl")


def write(
    state: Path,
    record: Mapping[str, Any],
    markdown: Callable[[Mapping[str, Any]], str],
    next_steps: Callable[[Mapping[str, Any]], Sequence[str]],
    warn: Callable[[str], None],
    probe_log: bytes | None = None,
) -> Path:
    """Write a run's reports and return the path of the Markdown one.

    :param markdown: renders records of this kind.
    :param next_steps: what is to be done after a run of this kind.
    :param warn: told what could not be written; what was done stays done all the same.
    """
    report = state / "reports" / f"{record['run']}.md"
    documents: dict[str, Callable[[], bytes]] = {
        ".json": lambda: _files.dump_json(record),
        ".md": lambda: markdown(record).encode(),
        ".html": lambda: _report_html.render(record, next_steps(record)).encode(),
        ".incident.md": lambda: _incident.markdown(record, next_steps(record)).encode(),
    }
    if record.get("kind") == _drill.KIND:
        # Nothing has happened to anybody.
        del documents[".incident.md"]
    if probe_log is not None:
        documents[".probe.jsonl"] = lambda: probe_log
    put(report, documents, warn)
    return report


def put(report: Path, documents: Mapping[str, Callable[[], bytes]], warn: Callable[[str], None]) -> None:
    """Write documents side by side.

    :param report: the path of any of them.
    :param documents: what makes each, by suffix.
    """
    for suffix, document in documents.items():
        path = report.with_suffix(suffix)
        try:
            _files.private_directory(report.parent)
            _files.write(path, document(), durable=suffix in _EVIDENCE)
        except Exception as error:  # a rollback that is done does not fail for a document about it
            warn(f"{path} could not be written: {error}")
