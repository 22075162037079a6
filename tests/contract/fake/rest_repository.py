# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository itself, its branches, history and files over REST."""

from __future__ import annotations

import base64
from typing import Any

from . import shapes
from .exchange import PAGE, Call, GitHubError, answers, not_found
from .git import Change, Entry

#: A larger file comes without its content; only the interface of blobs gives it.
_CONTENT_LIMIT = 1024 * 1024
_STATUSES = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}
_COMPARE_COMMITS, _COMPARE_FILES = 250, 300


@answers("GET", "")
def get_repository(call: Call) -> dict[str, Any]:
    return shapes.repository(call)


@answers("GET", "/branches/{branch}")
def get_branch(call: Call) -> dict[str, Any]:
    name = call["branch"]
    sha = call.repository.git.ref(f"refs/heads/{name}")
    if not sha:
        raise GitHubError(404, "Branch not found")
    url = call.url("branches", name)
    by = call.repository.protected.get(name)
    return shapes.complete(
        "branch-with-protection",
        name=name,
        commit=shapes.commit(call, call.repository.git.commit(sha)),
        _links={"self": url, "html": call.web("tree", name)},
        protected=by is not None,
        # A ruleset shows in "protected" only; its rules are asked for apart.
        protection={"enabled": by == "protection"},
        protection_url=f"{url}/protection",
    )


@answers("GET", "/rules/branches/{branch}", *PAGE)
def get_rules(call: Call) -> list[dict[str, Any]]:
    if call.repository.protected.get(call["branch"]) != "ruleset":
        return []
    ruleset = {"ruleset_source_type": "Repository", "ruleset_source": call.repository.name, "ruleset_id": 1}
    return call.page([{"type": kind, **ruleset} for kind in ("deletion", "non_fast_forward", "pull_request")])


@answers("GET", "/commits", "sha", "path", "since", "until", *PAGE)
def list_commits(call: Call) -> list[dict[str, Any]]:
    start = _commit(call, call.query.get("sha", call.repository.default_branch))
    dates = [f"--{name}={call.query[name]}" for name in ("since", "until") if name in call.query]
    paths = ["--", call.query["path"]] if "path" in call.query else []
    found = call.repository.git.commits(*dates, start, *paths)
    return [shapes.commit(call, commit) for commit in call.page(found)]


@answers("GET", "/commits/{ref}", *PAGE)
def get_commit(call: Call) -> dict[str, Any]:
    git = call.repository.git
    try:
        commit = git.commit(_commit(call, call["ref"]))
    except GitHubError:
        raise GitHubError(422, f"No commit found for SHA: {call['ref']}") from None
    before = commit.parents[0] if commit.parents else git.empty_tree()
    changes = git.changes(before, commit.sha)
    added, deleted = sum(each.additions for each in changes), sum(each.deletions for each in changes)
    stats = {"additions": added, "deletions": deleted, "total": added + deleted}
    files = [_change(call, commit.sha, each) for each in call.page(changes)]
    return shapes.commit(call, commit, stats=stats, files=files)


@answers("GET", "/compare/{basehead}", *PAGE)
def compare(call: Call) -> dict[str, Any]:
    git = call.repository.git
    base_name, dots, head_name = call["basehead"].partition("...")
    if not dots:
        raise not_found()
    base, head = _commit(call, base_name), _commit(call, head_name)
    merge_base = git.merge_base(base, head)
    if not merge_base:
        raise GitHubError(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead = list(reversed(git.commits(f"{base}..{head}")))
    behind = git.commits(f"{head}..{base}")
    status = ("diverged" if behind else "ahead") if ahead else ("behind" if behind else "identical")
    listed = call.page(ahead) if {"page", "per_page"} & set(call.query) else ahead[-_COMPARE_COMMITS:]
    return shapes.complete(
        "commit-comparison",
        url=call.url("compare", call["basehead"]),
        html_url=call.web("compare", call["basehead"]),
        base_commit=shapes.commit(call, git.commit(base)),
        merge_base_commit=shapes.commit(call, git.commit(merge_base)),
        status=status,
        ahead_by=len(ahead),
        behind_by=len(behind),
        total_commits=len(ahead),
        commits=[shapes.commit(call, commit) for commit in listed],
        files=[_change(call, head, each) for each in git.changes(merge_base, head)[:_COMPARE_FILES]],
    )


@answers("GET", "/contents/{path}", "ref")
def get_contents(call: Call) -> Any:
    git, path = call.repository.git, call["path"].strip("/")
    ref = call.query.get("ref", call.repository.default_branch)
    found = git.branch_or_tag(ref)
    commit = found[1] if found else git.resolve(ref)
    if not commit:
        raise GitHubError(404, f"No commit found for the ref {ref}")
    if git.at(commit, path, "tree"):
        return [_content(call, ref, path, entry) for entry in git.tree(commit, path)]
    folder, _slash, name = path.rpartition("/")
    if git.at(commit, path, "blob"):
        for entry in git.tree(commit, folder):
            if entry.path == name:
                return _file(call, ref, folder, entry)
    raise not_found()


def _commit(call: Call, name: str) -> str:
    found = call.repository.git.branch_or_tag(name)
    sha = found[1] if found else call.repository.git.resolve(name)
    if not sha:
        raise not_found()
    return sha


def _change(call: Call, commit: str, change: Change) -> dict[str, Any]:
    return shapes.complete(
        "diff-entry",
        sha=change.sha,
        filename=change.path,
        status=_STATUSES[change.status],
        additions=change.additions,
        deletions=change.deletions,
        changes=change.additions + change.deletions,
        blob_url=call.web("blob", commit, change.path),
        raw_url=call.web("raw", commit, change.path),
        contents_url=call.url("contents", f"{change.path}?ref={commit}"),
    )


def _content(call: Call, ref: str, folder: str, entry: Entry) -> dict[str, Any]:
    path = f"{folder}/{entry.path}" if folder else entry.path
    kind = "symlink" if entry.mode == "120000" else {"blob": "file", "tree": "dir", "commit": "submodule"}[entry.kind]
    url, page = call.url("contents", f"{path}?ref={ref}"), call.web("blob", ref, path)
    git_url = call.url("git/blobs" if entry.kind == "blob" else "git/trees", entry.sha)
    return {
        "type": kind,
        "name": entry.path,
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": page,
        "git_url": git_url,
        "download_url": None if kind == "dir" else call.web("raw", ref, path),
        "_links": {"self": url, "git": git_url, "html": page},
    }


def _file(call: Call, ref: str, folder: str, entry: Entry) -> dict[str, Any]:
    found = _content(call, ref, folder, entry)
    data = call.repository.git.blob(entry.sha)
    if found["type"] == "symlink":
        return {**found, "target": data.decode()}
    if len(data) > _CONTENT_LIMIT:
        return {**found, "encoding": "none", "content": ""}
    return {**found, "encoding": "base64", "content": base64.encodebytes(data).decode()}
