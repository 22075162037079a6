# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs, trees, commits and refs over REST: each is the bare repository's own."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from . import shapes
from .exchange import Answer, Call, GitHubError, answers, not_found
from .git import NOTHING, Commit, Entry, Git, GitError, Person
from .runs import stamp

#: GitHub gives no more of a tree at once.
_TREE_LIMIT = 100_000


@answers("POST", "/git/blobs")
def create_blob(call: Call) -> Answer:
    sha = call.repository.git.add_blob(_decoded(call.body["content"], call.body.get("encoding", "utf-8")))
    return Answer(201, shapes.complete("short-blob", sha=sha, url=call.url("git/blobs", sha)))


@answers("GET", "/git/blobs/{file_sha}")
def get_blob(call: Call) -> dict[str, Any]:
    sha = call["file_sha"]
    if call.repository.git.kind(sha) != "blob":
        raise not_found()
    data = call.repository.git.blob(sha)
    content = base64.encodebytes(data).decode()
    url = call.url("git/blobs", sha)
    return shapes.complete(
        "blob", sha=sha, node_id=f"B_{sha}", size=len(data), url=url, content=content, encoding="base64"
    )


@answers("POST", "/git/trees")
def create_tree(call: Call) -> Answer:
    git = call.repository.git
    base = call.body.get("base_tree")
    if base is not None:
        base = git.resolve(base, "tree")
        if not base:
            raise GitHubError(422, "base_tree is not a valid tree oid")
    there = [entry.path for entry in git.tree(base, recursive=True) if entry.kind != "tree"] if base else []
    changes = [change for entry in call.body["tree"] for change in _files(git, there, entry)]
    made = git.add_tree(base, changes, call.repository.bare / f"index-{call.repository.next_id()}")
    return Answer(201, _tree(call, made, git.tree(made)))


def _files(git: Git, there: list[str], entry: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """What an entry means for files: those that go, and those that come."""
    path, mode = entry["path"], entry.get("mode", "100644")
    gone: list[tuple[str, str, str | None]] = [
        (mode, name, None) for name in there if name == path or name.startswith(f"{path}/")
    ]
    sha: str | None = git.add_blob(entry["content"].encode()) if "content" in entry else entry.get("sha")
    if sha is None:
        if not gone:
            raise GitHubError(422, "GitRPC::BadObjectState")
        return gone
    if git.kind(sha) != entry.get("type", "blob"):
        raise GitHubError(422, f"tree.sha {sha} is not a valid {entry.get('type', 'blob')}")
    if entry.get("type") != "tree":
        return [*gone, (mode, path, sha)]
    inner = [each for each in git.tree(sha, recursive=True) if each.kind != "tree"]
    return [*gone, *((each.mode, f"{path}/{each.path}", each.sha) for each in inner)]


@answers("GET", "/git/trees/{tree_sha}", "recursive")
def get_tree(call: Call) -> dict[str, Any]:
    sha = call.repository.git.resolve(call["tree_sha"], "tree")
    if not sha:
        raise not_found()
    # Any value asks for it, "0" and "false" too.
    return _tree(call, sha, call.repository.git.tree(sha, recursive="recursive" in call.query))


@answers("POST", "/git/commits")
def create_commit(call: Call) -> Answer:
    git, body = call.repository.git, call.body
    if git.kind(body["tree"]) != "tree":
        raise GitHubError(422, "Tree SHA does not exist")
    parents = body.get("parents", [])
    if any(git.kind(parent) != "commit" for parent in parents):
        raise GitHubError(422, "Parent SHA does not exist or is not a commit object")
    author = _person(body.get("author"), call.now)
    committer = _person(body.get("committer") or body.get("author"), call.now)
    sha = git.add_commit(body["tree"], parents, body["message"], author, committer)
    return Answer(201, _commit(call, git.commit(sha)))


@answers("GET", "/git/commits/{commit_sha}")
def get_commit(call: Call) -> dict[str, Any]:
    sha = call["commit_sha"]
    if call.repository.git.kind(sha) != "commit":
        raise not_found()
    return _commit(call, call.repository.git.commit(sha))


@answers("GET", "/git/ref/{ref}")
def get_ref(call: Call) -> dict[str, Any]:
    name = f"refs/{call['ref']}"
    sha = call.repository.git.ref(name)
    if not sha:
        raise not_found()
    return _ref(call, name, sha)


@answers("POST", "/git/refs")
def create_ref(call: Call) -> Answer:
    git, name, sha = call.repository.git, call.body["ref"], call.body["sha"]
    if not name.startswith("refs/") or name.count("/") < 2:
        raise GitHubError(422, "Reference name must start with 'refs/' and contain at least one more slash")
    if git.kind(sha) is None:
        raise GitHubError(422, "Object does not exist")
    if git.ref(name):
        raise GitHubError(422, "Reference already exists")
    _set_ref(call, name, sha, NOTHING)
    return Answer(201, _ref(call, name, sha))


@answers("PATCH", "/git/refs/{ref}")
def update_ref(call: Call) -> dict[str, Any]:
    git, name, sha = call.repository.git, f"refs/{call['ref']}", call.body["sha"]
    old = git.ref(name)
    if not old:
        raise GitHubError(422, "Reference does not exist")
    if git.kind(sha) is None:
        raise GitHubError(422, "Object does not exist")
    _unprotected(call, name)
    if not call.body.get("force") and not git.is_ancestor(old, sha):
        raise GitHubError(422, "Update is not a fast forward")
    _set_ref(call, name, sha, old)
    return _ref(call, name, sha)


@answers("DELETE", "/git/refs/{ref}")
def delete_ref(call: Call) -> Answer:
    name = f"refs/{call['ref']}"
    old = call.repository.git.ref(name)
    if not old:
        raise GitHubError(422, "Reference does not exist")
    _unprotected(call, name)
    _set_ref(call, name, NOTHING, old)
    call.repository.close_pulls(name.removeprefix("refs/heads/"), old)
    return Answer(204)


def _set_ref(call: Call, name: str, sha: str, old: str) -> None:
    try:
        call.repository.git.set_ref(name, sha, old)
    except GitError:
        # Somebody pushed in between, or the name is none.
        raise GitHubError(422, "Reference update failed") from None


def _unprotected(call: Call, name: str) -> None:
    by = call.repository.protected.get(name.removeprefix("refs/heads/"))
    if by == "ruleset":
        raise GitHubError(422, "Repository rule violations found\n\nChanges must be made through a pull request.\n\n")
    if by:
        raise GitHubError(
            422, f"Protected branch update failed for {name}. Changes must be made through a pull request."
        )


def _decoded(content: str, encoding: str) -> bytes:
    if encoding != "base64":
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except binascii.Error:
        raise GitHubError(422, "content is not valid Base64") from None


def _person(said: dict[str, str] | None, now: float) -> Person:
    said = said or {"name": shapes.LOGIN, "email": f"{shapes.LOGIN}@users.noreply.github.com"}
    return Person(said["name"], said["email"], said.get("date") or stamp(now))


def _tree(call: Call, sha: str, entries: list[Entry]) -> dict[str, Any]:
    listed = [_entry(call, entry) for entry in entries[:_TREE_LIMIT]]
    url = call.url("git/trees", sha)
    return shapes.complete("git-tree", sha=sha, url=url, tree=listed, truncated=len(entries) > _TREE_LIMIT)


def _entry(call: Call, entry: Entry) -> dict[str, Any]:
    kinds = {"blob": "git/blobs", "tree": "git/trees", "commit": "git/commits"}
    found = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    size = {} if entry.size is None else {"size": entry.size}
    return {**found, **size, "url": call.url(kinds[entry.kind], entry.sha)}


def _commit(call: Call, found: Commit) -> dict[str, Any]:
    return shapes.complete(
        "git-commit",
        sha=found.sha,
        node_id=f"C_{found.sha}",
        url=call.url("git/commits", found.sha),
        html_url=call.web("commit", found.sha),
        author=shapes.stamped(found.author),
        committer=shapes.stamped(found.committer),
        tree={"sha": found.tree, "url": call.url("git/trees", found.tree)},
        message=found.message,
        parents=[
            {"sha": sha, "url": call.url("git/commits", sha), "html_url": call.web("commit", sha)}
            for sha in found.parents
        ],
    )


def _ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    kind = call.repository.git.kind(sha)
    target = {"type": kind, "sha": sha, "url": call.url(f"git/{kind}s", sha)}
    return shapes.complete("git-ref", ref=name, node_id=f"REF_{name}", url=call.url("git", name), object=target)
