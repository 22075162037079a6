# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a repository a swap replaces, adds and removes (pure)."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import Change, Entry
from ansible_collections.tiered.rollback.plugins.module_utils._workflow import DIRECTORY

_WORKFLOW = (".yml", ".yaml")
_SHOWN = 400
#: Modes of ordinary files, as git writes them; a symbolic link and a submodule have others.
_FILES = frozenset({"100644", "100755"})
_SUBMODULE = "160000"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the files come from.

    :param entries: the files that are there.
    :param suffix: what a file's name ends with there and not here.
    :param name: it, in an error.
    """

    entries: Mapping[str, Entry]
    suffix: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the files that change hold, by path; None where there is none."""

    before: dict[str, bytes | None]
    after: dict[str, bytes | None]


def paths(files: Sequence[str]) -> list[str]:
    """Return paths in the repository; a workflow may be given by its file's name alone."""
    found = []
    for file in files:
        path = _names.relative_path(file, "files")
        bare = "/" not in path and path.endswith(_WORKFLOW) and not path.startswith("docker-compose")
        found.append(f"{DIRECTORY}/{path}" if bare else path)
    return found


def is_workflow(path: str) -> bool:
    """Whether GitHub would run the file."""
    return path.startswith(f"{DIRECTORY}/") and path.endswith(_WORKFLOW)


def kept(entries: Mapping[str, Entry], suffix: str) -> list[str]:
    """Return the workflows that have a backup beside them."""
    found = [path.removesuffix(suffix) for path in entries if path.endswith(suffix)]
    return sorted(path for path in found if is_workflow(path))


def nowhere(wanted: Sequence[str], here: Mapping[str, Entry], source: Source) -> list[str]:
    """Return the wanted files that are neither here nor there: they are gone already, or never were."""
    return [path for path in wanted if path not in here and path + source.suffix not in source.entries]


def plan(
    wanted: Sequence[str], here: Mapping[str, Entry], source: Source, gone: Collection[str] = ()
) -> dict[str, Change]:
    """Return what has to change here for the wanted files to be as they are at their source.

    :param gone: files that were here once.
    :raises RollbackError: when a file is at neither place, and when a backup that is asked for is not there.
    """
    changes: dict[str, Change] = {}
    for path in wanted:
        _refuse_what_is_no_file(path, here, source)
        new = source.entries.get(path + source.suffix)
        if new is None and path in gone and not source.suffix:
            continue
        if new is None and (source.suffix or path not in here):
            at_hand = sorted(
                name.removesuffix(source.suffix) for name in source.entries if name.endswith(source.suffix)
            )
            near = difflib.get_close_matches(path, at_hand, n=5, cutoff=0.5) or at_hand[:5]
            raise RollbackError(
                f"{source.name} has no {path}{source.suffix}", f"At hand: {', '.join(near) or 'nothing'}."
            )
        old = here.get(path)
        if new and old and source.suffix and {new.mode, old.mode} <= _FILES:
            # A backup is often without the mode of what it is a backup of.
            new = replace(new, mode=old.mode)
        if new != old:
            changes[path] = new
    return changes


def _refuse_what_is_no_file(path: str, here: Mapping[str, Entry], source: Source) -> None:
    """Refuse a directory, which no tree lists and which would pass for a file that is gone, and a submodule."""
    found = [entries[path] for entries in (here, source.entries) if path in entries]
    directory = any(name.startswith(f"{path}/") for entries in (here, source.entries) for name in entries)
    if directory or any(entry.mode == _SUBMODULE for entry in found):
        raise RollbackError(
            f"{path} is a {'directory' if directory else 'submodule'}", "Name files; method=revert takes directories."
        )


def given(contents: Mapping[str, object], here: Mapping[str, Entry]) -> dict[str, Change]:
    """Return what has to change here for files to have given contents."""
    if wrong := [path for path, text in contents.items() if not isinstance(text, str)]:
        raise RollbackError(f"the contents of {', '.join(wrong)} are no text", "Give text, such as a template's.")
    new = {path: str(text).encode() for path, text in zip(paths(list(contents)), contents.values(), strict=True)}
    return {path: data for path, data in new.items() if path not in here or here[path].blob != _blob(data)}


def blobs(changes: Mapping[str, Change], here: Mapping[str, Entry]) -> set[str]:
    """Return the blobs that hold what the files are and become."""
    entries = [*(here[path] for path in changes if path in here), *changes.values()]
    return {entry.blob for entry in entries if isinstance(entry, Entry)}


def contents(changes: Mapping[str, Change], here: Mapping[str, Entry], held: Mapping[str, bytes]) -> Contents:
    """Return what the files hold and become.

    :param held: what blobs hold.
    """
    return Contents(
        before={path: held[here[path].blob] if path in here else None for path in changes},
        after={path: held[new.blob] if isinstance(new, Entry) else new for path, new in changes.items()},
    )


def message(changes: Mapping[str, Change], source: str) -> str:
    """Return what the commit says."""
    files = "".join(f"- {path}{' (removed)' if new is None else ''}\n" for path, new in sorted(changes.items()))
    return f"Roll CI back: {len(changes)} file{'s' * (len(changes) != 1)} from {source}\n\n{files}"


def proposal(changes: Mapping[str, Change], base: str) -> str:
    """Name the branch that proposes changes of another by what they are: proposed again, it is the same one."""
    digest = hashlib.sha256(f"{base}\n".encode())
    for path, new in sorted(changes.items()):
        blob = new.blob if isinstance(new, Entry) else _blob(new) if new is not None else ""
        digest.update(f"{path}\0{blob}\n".encode())
    return f"rollback-ci-{digest.hexdigest()[:12]}"


def differences(contents: Contents) -> dict[str, str]:
    """Return a unified difference of every file, as much as a person would read of it."""
    lines: list[str] = []
    for path, new in sorted(contents.after.items()):
        old = contents.before[path]
        names = (f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null")
        if b"\0" in (old or b"") + (new or b""):
            lines.append(f"Binary files {names[0]} and {names[1]} differ\n")
            continue
        lines += difflib.unified_diff(_lines(old), _lines(new), *names)
    left = len(lines) - _SHOWN
    return {"prepared": "".join(lines[:_SHOWN]) + (f"... and {left} more lines\n" if left > 0 else "")}


def modes(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Return the modes of ordinary files, which new contents keep; they take the place of anything else."""
    return {path: entry.mode for path, entry in entries.items() if entry.mode in _FILES}


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode("utf-8", "replace")
    return [line if line.endswith("\n") else f"{line}\n" for line in text.splitlines(keepends=True)]


def _blob(data: bytes) -> str:
    """Return the name that git gives to contents."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
