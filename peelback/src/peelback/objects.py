"""File contents, each stored once under its SHA-256, however many snapshots hold it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peelback.durable import sync_directory

CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Waits until a file's content is on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Objects:
    """The store below `root`: finished contents in `objects/`, unfinished ones in `incoming/`.

    One directory for all: file systems index theirs, and one needs one sync.
    """

    def __init__(self, root: Path) -> None:
        self.directory = root / "objects"
        self.incoming = root / "incoming"
        # Contents found damaged: the next snapshot that has them in a live file stores them again.
        self.damaged: set[str] = set()
        self._pending: dict[str, Path] = {}
        self._count = 0
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.drop_pending()

    def path(self, digest: str) -> Path:
        return self.directory / digest

    def add(self, fd: int) -> tuple[str, int, int]:
        """Takes in the rest of an open file.

        Returns:
            Digest, bytes read, and bytes that were not stored before.
        """
        chunk = os.read(fd, CHUNK)
        if len(chunk) < CHUNK:
            # Small files, most of them: nothing is written for a content that is known.
            rest = os.read(fd, CHUNK) if chunk else b""
            if not rest:
                return self._add_bytes(chunk)
            chunk += rest
        temporary, hasher, size = self.new_path(), hashlib.sha256(), 0
        with temporary.open("wb", buffering=0) as file:
            while chunk:
                hasher.update(chunk)
                file.write(chunk)
                size += len(chunk)
                chunk = os.read(fd, CHUNK)
        digest = hasher.hexdigest()
        return digest, size, size if self._keep(digest, temporary) else 0

    def add_path(self, path: Path) -> tuple[str, int, int]:
        """Takes in a file made at `new_path()`, which is moved or removed; returns what `add` does."""
        digest, size = file_digest(path), path.stat().st_size
        return digest, size, size if self._keep(digest, path) else 0

    def new_path(self) -> Path:
        """A place for a file that is to become an object."""
        self._count += 1
        return self.incoming / str(self._count)

    def commit(self) -> None:
        """Makes all contents added since the last commit last."""
        if not self._pending:
            return
        # Side by side, because the file system then writes its journal once for several.
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(sync_file, self._pending.values()))
        for digest, path in self._pending.items():
            path.rename(self.path(digest))
        sync_directory(self.directory)
        self.damaged -= self._pending.keys()
        self._pending.clear()

    def drop_pending(self) -> None:
        """Forgets what was added and not committed, also by a process that was killed."""
        self._pending.clear()
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(mode=0o700)

    def sound(self, digest: str) -> bool:
        """Reads a content again and remembers it if it is damaged."""
        try:
            sound = file_digest(self.path(digest)) == digest
        except OSError:
            sound = False
        if not sound:
            self.damaged.add(digest)
        return sound

    def remove(self, unneeded: Iterable[str]) -> None:
        for digest in unneeded:
            self.path(digest).unlink(missing_ok=True)

    def names(self) -> list[str]:
        return [path.name for path in self.directory.iterdir()]

    def _add_bytes(self, content: bytes) -> tuple[str, int, int]:
        digest = hashlib.sha256(content).hexdigest()
        if self._known(digest):
            return digest, len(content), 0
        path = self.new_path()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)
        self._pending[digest] = path
        return digest, len(content), len(content)

    def _keep(self, digest: str, path: Path) -> bool:
        if self._known(digest):
            path.unlink()
            return False
        path.chmod(0o400)
        self._pending[digest] = path
        return True

    def _known(self, digest: str) -> bool:
        return digest in self._pending or (digest not in self.damaged and self.path(digest).exists())
