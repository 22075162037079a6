# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a repository through GitHub's git data API: any number is read by one request, and changed by one commit."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub, segment, unreadable
from ansible_collections.tiered.rollback.plugins.module_utils._http import HttpError

#: Mode of an ordinary file, as git writes it.
FILE = "100644"


#: What git calls an entry of a tree: a file, and a submodule, which stands for a commit.
KINDS = frozenset({"blob", "commit"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file in a tree: its mode as git writes it, and its blob; or a submodule and its commit."""

    mode: str
    blob: str


#: What becomes of a path: an entry of another tree, new content in UTF-8, or None where it goes.
Change: TypeAlias = "Entry | bytes | None"


@dataclass(frozen=True, kw_only=True)
class Head:
    """A branch as it is now.

    :param protected: whether a rule forbids to move it by hand.
    """

    branch: str
    commit: str
    tree: str
    protected: bool


def branch(github: GitHub) -> str:
    """Return the branch that is rolled back: the described one, or the repository's default branch."""
    if github.api.branch:
        return github.api.branch
    try:
        return str(github.get("")["default_branch"])
    except (KeyError, TypeError) as error:
        raise unreadable("GET /repos") from error


def file(github: GitHub, path: str, ref: str) -> bytes | None:
    """Return what a file holds at a branch, tag or commit; None where there is no such file."""
    try:
        raw = github.get(f"/contents/{path}", ref=ref)
        return base64.b64decode(raw["content"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable("GET /contents") from error
    except HttpError as error:
        if error.status != 404:
            raise
        return None


def propose(github: GitHub, base: str, name: str, title: str, body: str) -> str:
    """Open a pull request of a branch into another, and return its page."""
    made = github.send("POST", "/pulls", {"title": title, "head": name, "base": base, "body": body})
    return str(made["html_url"])


class ApiTree:
    """The files of a repository, through the API."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def head(self, name: str) -> Head:
        """Return where a branch is."""
        try:
            raw = self._github.get(f"/branches/{segment(name)}")
            commit = raw["commit"]
            return Head(
                branch=name, commit=commit["sha"], tree=commit["commit"]["tree"]["sha"], protected=raw["protected"]
            )
        except (KeyError, TypeError) as error:
            raise unreadable("GET /branches") from error
        except HttpError as error:
            if error.status != 404:
                raise
            raise RollbackError(
                f"{self._github.api.repository} has no branch {name}", "Correct github.branch."
            ) from error

    def entries(self, tree: str) -> dict[str, Entry]:
        """Return the files and submodules of a tree by their path.

        :param tree: a tree, or a branch, tag or commit, whose tree is meant.
        """
        repository = self._github.api.repository
        try:
            raw = self._github.get(f"/git/trees/{segment(tree)}", recursive=1)
        except HttpError as error:
            if error.status not in (404, 422):
                raise
            raise RollbackError(
                f"{repository} has no branch, tag or commit {tree}", "A commit is given in full, or by its tag."
            ) from error
        try:
            if raw["truncated"]:
                raise RollbackError(
                    f"{repository} has more files than GitHub lists at once", "Use via: git for this repository."
                )
            return {
                each["path"]: Entry(mode=each["mode"], blob=each["sha"])
                for each in raw["tree"]
                if each["type"] in KINDS
            }
        except (KeyError, TypeError) as error:
            raise unreadable("GET /git/trees") from error

    def had(self, path: str, name: str) -> bool:
        """Whether a branch has had a file at any time."""
        return bool(self._github.pages("/commits", None, 1, path=path, sha=name))

    def read(self, blobs: Collection[str], proposal: str) -> tuple[dict[str, bytes], str | None]:
        """Return what blobs hold, and the page of the open pull request of a branch, if there is one.

        One request answers both; only a blob that is no text, or too long a one, takes another.
        """
        wanted = sorted(set(blobs))
        owner, name = self._github.api.repository.split("/")
        fields = " ".join(
            f'b{number}: object(oid: "{oid}") {{ ... on Blob {{ text isBinary isTruncated }} }}'
            for number, oid in enumerate(wanted)
        )
        query = (
            "query($owner: String!, $name: String!, $proposal: String!) { repository(owner: $owner, name: $name) { "
            f"pullRequests(states: OPEN, headRefName: $proposal, first: 1) {{ nodes {{ url }} }} {fields} }} }}"
        )
        variables = {"owner": owner, "name": name, "proposal": proposal}
        found = self._github.graphql(query, variables)["repository"]
        pulls = found["pullRequests"]["nodes"]
        contents = {oid: self._content(oid, found[f"b{number}"]) for number, oid in enumerate(wanted)}
        return contents, pulls[0]["url"] if pulls else None

    def _content(self, oid: str, raw: Any) -> bytes:
        if isinstance(raw, dict) and raw["text"] is not None and not raw["isBinary"] and not raw["isTruncated"]:
            return str(raw["text"]).encode()
        try:
            return base64.b64decode(self._github.get(f"/git/blobs/{oid}")["content"])
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable("GET /git/blobs") from error

    def commit(self, on: Head, changes: Mapping[str, Change], modes: Mapping[str, str], message: str) -> str:
        """Make one commit on top of a branch's head, which nothing refers to yet, and return it.

        :param modes: of the files that exist, so that new content keeps them.
        """
        entries = [_changed(path, new, modes.get(path, FILE)) for path, new in sorted(changes.items())]
        tree = self._github.send("POST", "/git/trees", {"base_tree": on.tree, "tree": entries}, repeatable=True)
        body = {"message": message, "tree": tree["sha"], "parents": [on.commit]}
        return str(self._github.send("POST", "/git/commits", body, repeatable=True)["sha"])

    def advance(self, on: Head, to: str) -> None:
        """Move a branch on to a commit made on top of its head; a push in between is never overwritten."""
        body = {"sha": to, "force": False}
        try:
            self._github.send("PATCH", f"/git/refs/heads/{segment(on.branch)}", body, repeatable=True)
        except HttpError as error:
            if error.status != 422 or "fast forward" not in error.message:
                raise
            raise RollbackError(
                f"somebody pushed to {on.branch} meanwhile; nothing was overwritten", "Run this again on top of it."
            ) from error

    def place(self, name: str, to: str) -> None:
        """Make a branch stand at a commit, whether there is one of that name or not."""
        try:
            self._github.send("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": to})
        except HttpError as error:
            if error.status != 422 or "already exists" not in error.message:
                raise
            body = {"sha": to, "force": True}
            self._github.send("PATCH", f"/git/refs/heads/{segment(name)}", body, repeatable=True)


def _changed(path: str, new: Change, mode: str) -> dict[str, Any]:
    changed: dict[str, Any] = {"path": path, "mode": mode, "type": "blob"}
    if isinstance(new, Entry):
        return {**changed, "mode": new.mode, "sha": new.blob}
    return {**changed, "sha": None} if new is None else {**changed, "content": new.decode()}
