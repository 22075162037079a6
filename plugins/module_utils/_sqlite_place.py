# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an SQLite database lies on this host, and which processes have it open."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ansible_collections.tiered.rollback.plugins.module_utils import _proc
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container, Mount
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

#: Files that belong to a database by their name alone: what SQLite finds beside a file it replays.
BESIDE = ("-wal", "-shm", "-journal")
_PROC = Path("/proc")


def find(database: Sqlite, engine: Engine | None, project: str, proc: Path = _PROC) -> Path:
    """Return the path on this host, links followed; the file itself may be missing, its folder not.

    :param engine: asked only where the database is in a service's containers.
    """
    path = locate(database, engine, project, proc)
    if not path.parent.is_dir():
        raise RollbackError(
            f"the folder of SQLite database {database.name} is not on this host: {path.parent}",
            "Correct its path; where the engine runs on another host, run this on that host.",
        )
    return path


def locate(database: Sqlite, engine: Engine | None, project: str, proc: Path = _PROC) -> Path:
    """Return the same, where its folder may be missing as well."""
    if database.service is None or engine is None:
        return Path(database.path).resolve()
    return _in_service(database, database.service, engine, project, proc)


def _in_service(database: Sqlite, service: str, engine: Engine, project: str, proc: Path) -> Path:
    containers = engine.containers(project)
    own = [container for container in containers if container.service == service]
    if not own:
        known = sorted({container.service for container in containers})
        raise RollbackError(
            f"no container of service {service} holds SQLite database {database.name} in project {project}",
            f"Services with containers: {', '.join(known) or 'none'}. A stopped container is enough.",
        )
    found = {container.name: _source(database, container, engine.mounts(container.id)) for container in own}
    places = sorted(set(found.values()))
    if len(places) > 1:
        raise RollbackError(
            f"the containers of service {service} have {len(places)} files at {database.path}, not one shared: "
            f"{', '.join(map(str, places))}",
            "Describe each by its path on the host, without 'service'.",
        )
    for container in own:
        _same_file(database, container, places[0], proc)
    return places[0]


def _source(database: Sqlite, container: Container, mounts: Iterable[Mount]) -> Path:
    path = PurePosixPath(database.path)
    covering = [mount for mount in mounts if path.is_relative_to(mount.target)]
    mount = max(covering, key=lambda mount: len(PurePosixPath(mount.target).parts), default=None)
    if mount is None or mount.kind not in ("bind", "volume") or not mount.source:
        where = "its writable layer" if mount is None else f"a {mount.kind} mount"
        raise RollbackError(
            f"{database.path} is in no volume of container {container.name} but in {where}, lost with it",
            "Put it into a volume or bind mount; copy it there with 'docker compose cp' first.",
        )
    root = Path(mount.source).resolve()
    found = (root / path.relative_to(mount.target)).resolve()
    # A link in the volume means something else on the host than in the container.
    if not found.is_relative_to(root):
        raise RollbackError(
            f"{database.path} in container {container.name} leads out of its volume by a symbolic link",
            "Give the path that the link leads to.",
        )
    return found


def _same_file(database: Sqlite, container: Container, path: Path, proc: Path) -> None:
    # The same path may exist on another host than the engine's, and a volume's subpath is not in its source.
    if not _proc.is_local(container, proc):
        return
    inside = proc / str(container.pid) / "root" / database.path.lstrip("/")
    if inside.exists() and not (path.exists() and inside.samefile(path)):
        raise RollbackError(
            f"{database.path} in container {container.name} is not {path} on this host",
            "Describe it by its path on the host, without 'service'.",
        )


def holders(path: Path, proc: Path = _PROC) -> list[str]:
    """Return who has a database open, as ``process 123 (name)``: anybody on this host, in containers or not.

    An idle connection holds no lock while its file is in rollback mode, so locks alone would not tell.
    """
    files = {_key(found) for found in (path, *beside(path))} - {None}
    found = [
        f"process {entry.name} ({_command(entry)})"
        for entry in sorted(proc.iterdir())
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _opened(entry) & files
    ]
    return found or _lockers(path)


def beside(path: Path) -> list[Path]:
    """Return the files, existing or not, that belong to a database by name."""
    return [path.with_name(path.name + suffix) for suffix in BESIDE]


def _key(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _opened(process: Path) -> set[tuple[int, int] | None]:
    try:
        return {_key(descriptor) for descriptor in (process / "fd").iterdir()}
    except OSError:
        return set()


def _command(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return "gone"


def _lockers(path: Path) -> list[str]:
    """Ask for SQLite's locks: sees a process whose descriptors we may not look at, or of another namespace."""
    if not path.exists():
        return []
    with path.open("rb+") as file:
        # struct flock: type, whence, start, length (0: to the end of the file), pid.
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return [] if kind == fcntl.F_UNLCK else [f"process {pid}" if pid > 0 else "a process out of sight"]
