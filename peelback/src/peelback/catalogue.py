# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots that exist: one manifest file each, and how many of them need each content."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from peelback import manifest
from peelback.draft import Before, Draft
from peelback.durable import remove, replace
from peelback.errors import DamagedError, UnknownSnapshotError
from peelback.manifest import Manifest, Summary, Trigger
from peelback.objects import Objects

log = logging.getLogger(__name__)


class Catalogue:
    """Snapshots below `root`; what is in memory follows the files, which are written first."""

    def __init__(self, root: Path, objects: Objects) -> None:
        self._directory = root / "manifests"
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._objects = objects
        self._summaries: dict[str, Summary] = {}
        # In memory, because reading a manifest again costs as much as half a snapshot.
        self._needs: dict[str, set[str]] = {}
        self._before: tuple[str, Before] | None = None
        self._read_all()

    def summaries(self) -> list[Summary]:
        """All snapshots, the newest first."""
        return sorted(self._summaries.values(), key=lambda summary: summary.number, reverse=True)

    def summary(self, snapshot: str) -> Summary:
        """Raises UnknownSnapshotError where there is no such snapshot."""
        try:
            return self._summaries[snapshot]
        except KeyError:
            raise UnknownSnapshotError(f"there is no snapshot {snapshot}") from None

    def load(self, snapshot: str) -> Manifest:
        """A snapshot with its entries.

        Raises:
            UnknownSnapshotError: there is no such snapshot.
            DamagedError: its manifest is not what was written.
        """
        self.summary(snapshot)
        try:
            return manifest.decode(self._path(snapshot).read_bytes(), snapshot)
        except OSError as error:
            raise DamagedError(f"the manifest of {snapshot} cannot be read: {error.strerror}", [snapshot]) from error

    def before(self) -> Before:
        """What the next snapshot compares with: the newest one, or nothing."""
        newest = next(iter(self.summaries()), None)
        if newest is None:
            return Before()
        if self._before is not None and self._before[0] == newest.id:
            return self._before[1]
        try:
            return self._remember(self.load(newest.id), {})
        except DamagedError as error:
            log.warning("all files are read anew: %s", error.message)
            return Before()

    def add(
        self, draft: Draft, description: str, trigger: Trigger, healthy: bool | None, kept: bool = False
    ) -> Summary:
        """Makes a draft a snapshot. The manifest's rename is what makes it one."""
        self._objects.commit()
        now = datetime.now(UTC)
        contents = [entry for entry in draft.entries if entry.digest]
        summary = Summary(
            id=manifest.free_id(int(now.timestamp()), set(self._summaries)),
            number=max((known.number for known in self._summaries.values()), default=0) + 1,
            created=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            started_ns=draft.started_ns,
            description=description,
            trigger=trigger,
            healthy=healthy,
            files=len(contents),
            bytes=sum(entry.size for entry in contents),
            new_bytes=draft.new_bytes,
            remarks=draft.remarks,
            kept=kept,
        )
        before = self.before()
        lines = {entry.path: before.line(entry) for entry in draft.entries}
        replace(self._path(summary.id), manifest.encode(summary, lines.values()))
        self._summaries[summary.id] = summary
        self._needs[summary.id] = {entry.digest for entry in contents}
        self._remember(Manifest(summary, draft.entries), lines)
        return summary

    def delete(self, snapshot: str) -> None:
        """Removes a snapshot, and the contents that no other one needs."""
        self.summary(snapshot)
        remove(self._path(snapshot))
        del self._summaries[snapshot]
        # What a damaged one needed is not known; the next start finds what nobody needs.
        unneeded = self._needs.pop(snapshot, set())
        for needed in self._needs.values():
            unneeded = unneeded - needed
        self._objects.remove(unneeded)

    def _path(self, snapshot: str) -> Path:
        return self._directory / f"{snapshot}.json"

    def _remember(self, made: Manifest, lines: Mapping[str, str]) -> Before:
        before = Before({entry.path: entry for entry in made.entries}, made.summary.started_ns, lines)
        self._before = made.summary.id, before
        return before

    def _read_all(self) -> None:
        """Reads every manifest, and removes contents that a killed process left without one."""
        whole = True
        for path in sorted(self._directory.glob("snapshot-*.json")):
            try:
                with path.open("rb") as file:
                    summary = manifest.decode_summary(file.readline())
                if summary.id != path.stem:
                    raise ValueError("it carries another name")
                self._summaries[summary.id] = summary
                # Most contents are in most snapshots.
                self._needs[summary.id] = set(map(sys.intern, manifest.digests(self.load(summary.id).entries)))
            except (ValueError, OSError, DamagedError) as error:
                whole = False
                log.error("%s is damaged: %s", path.name, error)
        stored, needed = set(self._objects.names()), set().union(*self._needs.values())
        self._objects.damaged |= needed - stored
        # A damaged manifest may need any of them, and a person may mend it.
        if whole:
            self._objects.remove(stored - needed)
