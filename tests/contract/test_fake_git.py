# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The git side of the fake: what git pushes is what the interface shows, and the other way round."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.contract.conftest import CI, FILES, Ask
from ansible_collections.tiered.rollback.tests.support import remote
from ansible_collections.tiered.rollback.tests.support.checkout import git


def put_together(ask: Ask, head: str, files: list[dict[str, Any]], message: str = "swap") -> str:
    """A commit on top of another, as a client of the git data interface makes it."""
    base = ask("GET", f"/git/commits/{head}").json()["tree"]["sha"]
    tree = ask("POST", "/git/trees", json={"base_tree": base, "tree": files})
    assert tree.status_code == 201, tree.text
    body = {"message": message, "tree": tree.json()["sha"], "parents": [head]}
    commit = ask("POST", "/git/commits", json=body)
    assert commit.status_code == 201, commit.text
    return str(commit.json()["sha"])


def write(path: str, content: str) -> dict[str, Any]:
    """An entry of a tree."""
    return {"path": path, "mode": "100644", "type": "blob", "content": content}


def delete(path: str) -> dict[str, Any]:
    """An entry that takes a path away."""
    return {"path": path, "mode": "100644", "type": "blob", "sha": None}


def test_a_commit_by_the_interface_is_seen_by_git(ask: Ask, bare: Path) -> None:
    head = ask("GET", "/git/ref/heads/main").json()["object"]["sha"]
    assert head == remote.branches(bare)["main"]

    files = [write(".github/workflows/ci.yml", "name: New\n"), write("new/deep/file", "x"), delete("README.md")]
    commit = put_together(ask, head, files)
    moved = ask("PATCH", "/git/refs/heads/main", json={"sha": commit})

    assert (moved.status_code, moved.json()["object"]["sha"]) == (200, commit)
    assert remote.branches(bare) == {"main": commit}
    names = set(git(bare, "ls-tree", "-r", "--name-only", "main").splitlines())
    assert names == (set(FILES) | {"new/deep/file"}) - {"README.md"}
    assert remote.text(bare, ".github/workflows/ci.yml") == "name: New"
    assert git(bare, "rev-parse", "main^") == head


def test_a_push_by_git_is_seen_by_the_interface(ask: Ask, bare: Path) -> None:
    commit = remote.commit(bare, {"README.md": "Changed\n", ".github/workflows/new.yml": "on: push\n"}, "pushed")

    assert ask("GET", "/git/ref/heads/main").json()["object"]["sha"] == commit
    content = ask("GET", "/contents/README.md").json()["content"]
    assert base64.b64decode(content) == b"Changed\n"
    assert ask("GET", "/actions/workflows").json()["total_count"] == 3
    newest = ask("GET", "/commits", params={"per_page": 1}).json()
    assert [each["commit"]["message"] for each in newest] == ["pushed"]


def test_refs_are_made_moved_and_deleted_under_githubs_conditions(ask: Ask, bare: Path) -> None:
    first = remote.branches(bare)["main"]
    second = remote.commit(bare, {"README.md": "2\n"}, "second")
    aside = put_together(ask, first, [write("x", "x")])

    def refused(method: str, path: str, message: str, **body: Any) -> None:
        found = ask(method, path, json=body or None)
        assert (found.status_code, found.json()["message"]) == (422, message)

    assert ask("POST", "/git/refs", json={"ref": "refs/heads/a/b", "sha": first}).status_code == 201
    refused("POST", "/git/refs", "Reference already exists", ref="refs/heads/a/b", sha=first)
    refused("POST", "/git/refs", "Reference update failed", ref="refs/heads/a", sha=first)
    refused("POST", "/git/refs", "Object does not exist", ref="refs/heads/c", sha="1" * 40)
    refused("PATCH", "/git/refs/heads/nowhere", "Reference does not exist", sha=first)
    refused("PATCH", "/git/refs/heads/main", "Update is not a fast forward", sha=aside)
    refused("PATCH", "/git/refs/heads/main", "Update is not a fast forward", sha=first)
    refused("DELETE", "/git/refs/heads/nowhere", "Reference does not exist")
    assert remote.branches(bare) == {"main": second, "a/b": first}

    assert ask("PATCH", "/git/refs/heads/main", json={"sha": aside, "force": True}).status_code == 200
    assert ask("DELETE", "/git/refs/heads/a/b").status_code == 204
    assert ask("GET", "/git/ref/heads/a/b").status_code == 404
    assert remote.branches(bare) == {"main": aside}


def test_trees_hold_folders_deletions_and_other_trees(ask: Ask, bare: Path) -> None:
    head = remote.branches(bare)["main"]
    folder = ask("GET", "/git/trees/main").json()["tree"]
    source = next(entry["sha"] for entry in folder if entry["path"] == "src")
    copied = {"path": "copy", "mode": "040000", "type": "tree", "sha": source}
    commit = put_together(ask, head, [copied, delete(".github"), write("README.md/now-a-folder", "x")])
    listed = ask("GET", f"/git/trees/{commit}", params={"recursive": "1"}).json()["tree"]
    files = {entry["path"] for entry in listed if entry["type"] == "blob"}
    assert files == {"copy/app.py", "src/app.py", "README.md/now-a-folder"}
    assert all(("size" in entry) == (entry["type"] == "blob") for entry in listed)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (delete("absent"), "GitRPC::BadObjectState"),
        ({**write("x", ""), "content": None}, "contract"),
        ({"path": "x", "mode": "100644", "type": "blob", "sha": "1" * 40}, "not a valid blob"),
    ],
)
def test_a_tree_of_what_is_not_there_is_refused(
    github: Any, ask: Ask, bare: Path, entry: dict[str, Any], message: str
) -> None:
    found = ask("POST", "/git/trees", json={"base_tree": remote.branches(bare)["main"], "tree": [entry]})
    assert found.status_code == 422
    assert message in found.json()["message"]
    # A wrong type is a mistake of the client that a test must hear of.
    assert bool(github.violations) == (message == "contract")
    github.violations.clear()


def test_a_commit_of_what_is_not_there_is_refused(ask: Ask) -> None:
    tree = ask("GET", "/git/trees/main").json()["sha"]
    for body in ({"tree": "1" * 40}, {"tree": tree, "parents": ["1" * 40]}):
        assert ask("POST", "/git/commits", json={"message": "x", **body}).status_code == 422
    for path in ("/git/commits/", "/git/blobs/", "/git/trees/", "/commits/"):
        assert ask("GET", path + "1" * 40).status_code in (404, 422)


def test_blobs_keep_every_byte(ask: Ask) -> None:
    data = bytes(range(256))
    body = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
    made = ask("POST", "/git/blobs", json=body)
    assert made.status_code == 201
    found = ask("GET", f"/git/blobs/{made.json()['sha']}").json()
    assert (base64.b64decode(found["content"]), found["size"]) == (data, 256)
    assert ask("POST", "/git/blobs", json={**body, "content": "?"}).status_code == 422


def test_contents_are_files_and_folders_of_any_ref(ask: Ask, bare: Path) -> None:
    first = remote.branches(bare)["main"]
    remote.commit(bare, {".github/workflows/ci.yml": None, "big": "x" * (1024 * 1024 + 1)}, "second")
    path = "/contents/.github/workflows"

    assert {each["name"] for each in ask("GET", path).json()} == {"lint.yaml", "ci.yml.backup"}
    old = ask("GET", f"{path}/ci.yml", params={"ref": first}).json()
    assert base64.b64decode(old["content"]).decode() == CI
    assert re.fullmatch(r"[0-9a-f]{40}", old["sha"])
    assert ask("GET", f"{path}/ci.yml").status_code == 404
    assert ask("GET", path, params={"ref": "nowhere"}).status_code == 404
    big = ask("GET", "/contents/big").json()
    assert (big["encoding"], big["content"], big["size"]) == ("none", "", 1024 * 1024 + 1)


def test_commits_are_compared(ask: Ask, bare: Path) -> None:
    remote.commit(bare, {"src/app.py": "1\n2\n"}, "on the branch", "feature/x")
    remote.commit(bare, {"README.md": "2\n"}, "on main")
    remote.commit(bare, {"gone": "1\n"}, "more on main")

    found = ask("GET", "/compare/main...feature/x").json()
    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("diverged", 1, 2)
    assert [each["commit"]["message"] for each in found["commits"]] == ["on the branch"]
    assert [(each["filename"], each["status"], each["additions"], each["deletions"]) for each in found["files"]] == [
        ("src/app.py", "modified", 2, 1)
    ]
    assert ask("GET", "/compare/main...main").json()["status"] == "identical"
    assert ask("GET", "/compare/main~1...main").json()["status"] == "ahead"
    assert ask("GET", "/compare/main...main~1").json()["status"] == "behind"
    assert ask("GET", "/compare/main...nowhere").status_code == 404
    one = ask("GET", "/commits/main").json()
    assert [(each["filename"], each["status"]) for each in one["files"]] == [("gone", "added")]
    touching = ask("GET", "/commits", params={"path": "README.md"}).json()
    assert [each["commit"]["message"] for each in touching] == ["on main", "first"]


@pytest.mark.parametrize(("by", "says"), [("ruleset", "Repository rule violations found"), ("protection", "Protected")])
def test_a_protected_branch_does_not_move(repo: Any, ask: Ask, bare: Path, by: str, says: str) -> None:
    assert ask("GET", "/branches/main").json()["protected"] is False
    assert ask("GET", "/rules/branches/main").json() == []
    repo.protect("main", by)
    before = remote.branches(bare)
    commit = put_together(ask, before["main"], [write("x", "x")])

    moved = ask("PATCH", "/git/refs/heads/main", json={"sha": commit, "force": True})

    assert (moved.status_code, says in moved.json()["message"]) == (422, True)
    assert ask("DELETE", "/git/refs/heads/main").status_code == 422
    assert remote.branches(bare) == before
    assert ask("GET", "/branches/main").json()["protected"] is True
    kinds = {rule["type"] for rule in ask("GET", "/rules/branches/main").json()}
    assert ("pull_request" in kinds) == (by == "ruleset")
    assert ask("POST", "/git/refs", json={"ref": "refs/heads/aside", "sha": commit}).status_code == 201


def test_pull_requests_are_opened_listed_and_closed_with_their_branch(repo: Any, ask: Ask, bare: Path) -> None:
    def refused(**body: Any) -> str:
        found = ask("POST", "/pulls", json={"title": "Swap", "base": "main", **body})
        assert (found.status_code, found.json()["message"]) == (422, "Validation Failed")
        return str(found.json()["errors"])

    remote.commit(bare, {"README.md": "2\n"}, "change", "feature")
    assert "'field': 'head'" in refused(head="nowhere")
    assert "No commits between" in refused(head="main")
    made = ask(
        "POST", "/pulls", json={"title": "Swap", "head": "feature", "base": "main", "body": "Why", "draft": True}
    )
    assert made.status_code == 201
    assert (made.json()["number"], made.json()["commits"], made.json()["changed_files"]) == (1, 1, 1)
    assert "already exists" in refused(head="acme:feature")
    repo.add_pull(number=7, head="feature", base="main", title="Other", rollup="FAILURE")
    assert [pull["number"] for pull in ask("GET", "/pulls").json()] == [7, 1]
    assert [pull["number"] for pull in ask("GET", "/pulls?head=acme:nowhere").json()] == []
    assert ask("POST", "/issues/7/comments", json={"body": "blocked"}).status_code == 201
    assert ask("GET", "/pulls/7").json()["comments"] == 1
    assert ask("POST", "/issues/8/comments", json={"body": "blocked"}).status_code == 404
    ask("DELETE", "/git/refs/heads/feature")
    assert ask("GET", "/pulls").json() == []
    assert ask("GET", "/pulls/7").json()["state"] == "closed"


def test_deployments_have_statuses(repo: Any, ask: Ask, bare: Path) -> None:
    sha = remote.branches(bare)["main"]
    repo.add_deployment(environment="staging", sha=sha, state="in_progress")
    made = ask("POST", "/deployments", json={"ref": "main", "environment": "production", "required_contexts": []})
    assert (made.status_code, made.json()["sha"]) == (201, sha)
    number = made.json()["id"]
    for state in ("in_progress", "failure"):
        assert ask("POST", f"/deployments/{number}/statuses", json={"state": state}).status_code == 201
    assert [each["state"] for each in ask("GET", f"/deployments/{number}/statuses").json()] == [
        "failure",
        "in_progress",
    ]
    assert [each["id"] for each in ask("GET", "/deployments?environment=production").json()] == [number]
    assert len(ask("GET", f"/deployments?sha={sha}").json()) == 2
    assert ask("GET", "/deployments/1/statuses").status_code == 404
    assert ask("POST", "/deployments", json={"ref": "nowhere"}).status_code == 422
