# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files of a version: as its git tag has them, or with its name in the environment file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _env_file, _files, _plan
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

GIT, VARIABLE, RETAG = "git", "variable", "retag"


@dataclass(frozen=True, kw_only=True)
class Files:
    """What changes.

    :param source: ``git``, ``variable`` or ``retag``, as :func:`_plan.image_source` has them.
    :param contents: files that are other ones; None where there is none any more.
    :param variables: those that image names are made of, with the values of the version.
    :param commit: of the version's tag.
    :param staged: whether git shall be told that the files are that commit's.
    """

    source: str
    contents: Mapping[str, bytes | None] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    staged: bool = False


def find(stack: Stack, now: Observed, checkout: Checkout, version: str, running: str, *, fetch: bool) -> Files:
    """Return what changes of the files; writes nothing.

    :param fetch: whether tags are fetched where the version's is not here.
    :raises RollbackError: where the stack is said to be deployed in a way in which it cannot be.
    """
    commit = _commit(stack, checkout, version, fetch=fetch)
    source = stack.image_source
    if source == "auto":
        source = GIT if commit else VARIABLE if now.variables else RETAG
    contents: dict[str, bytes | None] = {}
    if source == GIT:
        contents = _tagged(stack, now, checkout, str(commit))
    variables = dict(now.variables)
    path = stack.variable_file
    if source == VARIABLE or (source == GIT and now.variables and path not in contents):
        wanted = assigned(now.variables, running, version, needed=source == VARIABLE)
        variables |= wanted
        data = _files.read(Path(stack.project_src) / path)
        for name, value in wanted.items():
            if value != now.variables[name]:
                data = _env_file.assigned(data, name, value)
                contents[path] = data
    # A file that restore points do not hold is set by its variables, as a rollback would.
    staged = source == GIT and (path in now.files or path not in contents)
    return Files(
        source=source,
        contents=contents,
        variables=variables,
        commit=commit if source == GIT else None,
        staged=staged,
    )


def assigned(variables: Mapping[str, str], running: str, version: str, *, needed: bool) -> dict[str, str]:
    """Return the version variables with a version's value, in the form that they have now: with a ``v`` or without.

    :param needed: whether there must be one.
    :raises RollbackError: where it cannot be told which one it is.
    """
    found: dict[str, str] = {}
    for name, value in variables.items():
        for old, new in ((running, version), (running.removeprefix("v"), version.removeprefix("v"))):
            if value in (old, new):
                found.setdefault(name, new)
    if not found and needed and len(variables) == 1:
        ((name, value),) = variables.items()
        found = {name: version if value.startswith("v") or not value[:1].isdigit() else version.removeprefix("v")}
    if not found and needed:
        raise RollbackError(
            f"none of the variables ({', '.join(variables)}) holds the version that runs ({running})",
            "Capture what runs under the name that the variable has: restore-point.yml -e version=...; or set "
            "image_source in rollback_stack.",
        )
    return found


def refuse_unlisted(
    stack: Stack, now: Observed, checkout: Checkout, commit: str, definition: Mapping[str, Any]
) -> None:
    """Refuse a version that changes a file which a service mounts and no restore point holds: it could not go back."""
    others = sorted(set(checkout.changed_to(commit)) - set(now.files))
    read = {
        path for name in definition["services"] for path in _plan.reads(stack.project_src, definition, name, others)
    }
    if read:
        raise RollbackError(
            f"{', '.join(sorted(read)[:5])} would change too, and no restore point holds it",
            "List it under config in rollback_stack, and capture what runs again.",
        )


def _commit(stack: Stack, checkout: Checkout, version: str, *, fetch: bool) -> str | None:
    if stack.image_source not in ("auto", GIT) or checkout.commit() is None:
        if stack.image_source == GIT:
            raise RollbackError(
                f"{stack.project_src} is no git checkout", "Correct image_source or project_src in rollback_stack."
            )
        return None
    found = checkout.tagged(version)
    problem = None
    if found is None and fetch:
        problem = checkout.fetch_tags()
        found = checkout.tagged(version)
    if found is None and stack.image_source == GIT:
        why = f" ({problem})" if problem else ""
        raise RollbackError(
            f"the checkout {stack.project_src} has no tag {version}{why}", "Tag the commit, and push or fetch the tag."
        )
    return found


def _tagged(stack: Stack, now: Observed, checkout: Checkout, commit: str) -> dict[str, bytes | None]:
    """Return the files that a commit has other contents of; what git does not track stays as it is."""
    tracked, found = set(checkout.tracked(list(now.files))), {}
    for path in now.files:
        data, present = checkout.content(commit, path), _files.read(Path(stack.project_src) / path)
        if data != present and (data is not None or path in tracked):
            found[path] = data
    return found
