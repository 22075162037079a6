"""Making the data directory equal to a snapshot, wholly or not at all.

The data directory is often a mount point, which cannot be exchanged by a rename. So: every file is
prepared beside the data and synced; then a journal with all steps is written, and that one rename is the
point of no return; then the steps are done, each a rename or removal that can be repeated. Killed before
the journal, nothing happened. Killed after it, the next start does the rest before anything is served.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peelback import durable, sqlite_copy
from peelback.errors import UnfinishedError
from peelback.manifest import Entry
from peelback.objects import Objects, sync_file
from peelback.plan import Step
from peelback.scan import STAGING, directory

log = logging.getLogger(__name__)


class Restorer:
    """Applies plans to `data`; the journal lies in `storage`."""

    def __init__(self, data: Path, storage: Path, objects: Objects) -> None:
        self._data = data
        self._staging = data / STAGING
        self._journal = storage / "journal.json"
        self._objects = objects

    def run(self, snapshot: str, steps: Sequence[Step]) -> None:
        """Does all steps or, where preparing fails, none.

        Raises:
            NoSpaceError: there is no room to prepare the files; nothing was changed.
            UnfinishedError: a step failed after the point of no return; `recover` tries again.
        """
        try:
            with durable.space_errors("the files to restore"):
                self._stage(steps)
                durable.replace(self._journal, json.dumps({"snapshot": snapshot, "steps": steps}).encode())
        except BaseException:
            # The journal decides: once it lies there, what was prepared is needed.
            if not self._journal.exists():
                shutil.rmtree(self._staging, ignore_errors=True)
            raise
        self._finish(steps)

    def recover(self) -> str | None:
        """Completes a restore that was cut off, or removes what one left that had not begun.

        Returns:
            The id of the snapshot that was completed.

        Raises:
            UnfinishedError: it still fails.
        """
        try:
            journal = json.loads(self._journal.read_bytes())
        except FileNotFoundError:
            shutil.rmtree(self._staging, ignore_errors=True)
            return None
        log.warning("completing the restore of %s, which was cut off", journal["snapshot"])
        self._finish([Step(action, Entry(*entry), database) for action, entry, database in journal["steps"]])
        return str(journal["snapshot"])

    def unfinished(self) -> bool:
        return self._journal.exists()

    def _stage(self, steps: Sequence[Step]) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(mode=0o700)
        staged = []
        for number, step in enumerate(steps):
            if step.action == "put":
                self._prepare(step.entry, self._staging / str(number))
                if step.entry.kind != "link":
                    staged.append(self._staging / str(number))
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(sync_file, staged))
        durable.sync_directory(self._staging)

    def _prepare(self, entry: Entry, path: Path) -> None:
        if entry.kind == "link":
            path.symlink_to(entry.extra)
        else:
            shutil.copyfile(self._objects.path(entry.digest), path)
        _give(path, entry)

    def _finish(self, steps: Sequence[Step]) -> None:
        try:
            self._staging.mkdir(mode=0o700, exist_ok=True)
            for number, step in enumerate(steps):
                # Directories' times come last, and removing the staging directory changes those of the top.
                if step.action == "meta" and step.entry.path == ".":
                    shutil.rmtree(self._staging)
                self._apply(step, str(number))
            self._sync(steps)
            durable.remove(self._journal)
        except OSError as error:
            name = error.filename or ""
            message = f"the restore stopped at {name}: {error.strerror}; it goes on at the next operation or start"
            raise UnfinishedError(message, [os.fsdecode(name)]) from error

    def _apply(self, step: Step, number: str) -> None:
        entry = step.entry
        parent, _, name = entry.path.rpartition("/")
        if step.action == "meta":
            with directory(self._data, entry.path) as fd:
                _give(fd, entry)
            return
        if step.action == "remove":
            try:
                with directory(self._data, parent or ".") as fd:
                    _remove(fd, name, step)
            except (FileNotFoundError, NotADirectoryError):
                pass
            return
        with directory(self._data, parent or ".") as fd:
            if step.action == "mkdir":
                if _is_directory(fd, name) is not True:
                    self._make_way(fd, name, number)
                    os.mkdir(name, 0o700, dir_fd=fd)
            else:
                self._put(fd, name, step, number)

    def _put(self, fd: int, name: str, step: Step, number: str) -> None:
        staged = self._staging / number
        if not os.path.lexists(staged):
            # Done before the kill; what stands there now may already be in use.
            if _is_directory(fd, name) is False:
                return
            self._prepare(step.entry, staged)
        if step.database:
            # Before the file itself, because an old log would be played into the new database.
            _remove_companions(fd, name)
        if _is_directory(fd, name):
            self._make_way(fd, name, number)
        os.rename(staged, name, dst_dir_fd=fd)

    def _make_way(self, fd: int, name: str, number: str) -> None:
        """Moves aside what appeared under this name since the plan was made."""
        if _is_directory(fd, name) is not None:
            os.rename(name, self._staging / f"{number}-in-the-way", src_dir_fd=fd)

    def _sync(self, steps: Sequence[Step]) -> None:
        """Makes all renames last before the journal goes."""
        for path in sorted({step.entry.path.rpartition("/")[0] or "." for step in steps}):
            try:
                with directory(self._data, path) as fd:
                    os.fsync(fd)
            except FileNotFoundError:
                continue


def _remove(fd: int, name: str, step: Step) -> None:
    """Removes a name if it still is what it was: with another kind it has been replaced already."""
    now = _is_directory(fd, name)
    if now is None or now is not (step.entry.kind == "dir"):
        return
    if not now:
        if step.database:
            _remove_companions(fd, name)
        os.unlink(name, dir_fd=fd)
        return
    try:
        os.rmdir(name, dir_fd=fd)
    except OSError:
        # Something that no snapshot holds lies in it: a pipe, a mount, a file made this moment.
        log.warning("%s is kept, because it is not empty", step.entry.path)


def _remove_companions(fd: int, name: str) -> None:
    for suffix in sqlite_copy.COMPANIONS:
        try:
            os.unlink(name + suffix, dir_fd=fd)
        except FileNotFoundError:
            continue


def _is_directory(fd: int, name: str) -> bool | None:
    """None where there is nothing of that name; a symlink is no directory."""
    try:
        state = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return (state.st_mode & 0o170000) == 0o040000


def _give(where: Path | int, entry: Entry) -> None:
    """Owner, mode and modification time, in the order in which none undoes another."""
    follow = entry.kind == "dir"
    os.chown(where, entry.uid, entry.gid, follow_symlinks=follow)
    if entry.kind != "link":
        os.chmod(where, entry.mode)  # noqa: PTH101  # an open directory has no Path
    os.utime(where, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=follow)
