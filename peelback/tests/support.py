"""Shared by the tests and the benchmark."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from peelback.metrics import Metrics
from peelback.recovery import Recovery
from peelback.service import Service
from peelback.settings import Settings

TOKEN = "a-token-that-is-in-no-log-4711"


def make_settings(data: Path, storage: Path, keep: int = 10) -> Settings:
    recovery = Recovery.model_validate(
        {
            "peelback": {"snapshots": {"maxSnapshots": keep, "storage": str(storage)}},
            "rollback": {"strategy": "manual"},
        }
    )
    return Settings("127.0.0.1", 0, data, recovery, None, 1.0, TOKEN)


def make_service(data: Path, storage: Path, keep: int = 10) -> Service:
    return Service(make_settings(data, storage, keep), Metrics())


def picture(data: Path, ignore: tuple[str, ...] = ()) -> dict[str, tuple[object, ...]]:
    """Everything that a restore must bring back, by relative path; directories' times only below the top."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [data, *data.rglob("*")]:
        name = str(path.relative_to(data))
        if name.split("/")[0] in ignore:
            continue
        state = path.lstat()
        content = ""
        if stat.S_ISREG(state.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(state.st_mode):
            content = os.readlink(path)
        found[name] = (stat.S_IFMT(state.st_mode), stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid, content)
        if name != ".":
            found[name] += (state.st_mtime_ns,)
    return found
