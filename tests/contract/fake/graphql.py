# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GraphQL side: executed over GitHub's own schema, which judges query and answer."""

from __future__ import annotations

import functools
import gzip
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync, parse, validate

from ..extract import GRAPHQL_FILE
from .exchange import Answer
from .git import Entry
from .repository import FakeRepository, Pull
from .runs import Job, Run, stamp

if TYPE_CHECKING:
    from .server import FakeGitHub

Node = dict[str, Any]

#: GitHub cuts the text of a larger blob.
_TEXT_LIMIT = 512 * 1000


@functools.cache
def schema() -> GraphQLSchema:
    """The committed extract."""
    return build_schema(gzip.decompress(GRAPHQL_FILE.read_bytes()).decode())


def answer(github: FakeGitHub, body: Mapping[str, Any]) -> Answer:
    """Execute one query; what the schema refuses breaks the contract."""
    query = body["query"]
    refused = _refused(query)
    for each in refused:
        github.violate(f"POST /graphql: {each}")
    if refused:
        return Answer(200, {"errors": [_error(each) for each in refused]})
    result = graphql_sync(schema(), query, _Root(github), variable_values=body.get("variables"))
    for each in result.errors or ():
        if "type" not in (each.extensions or {}):
            github.violate(f"POST /graphql: {each}")
    found: Node = {"data": result.data}
    if result.errors:
        found["errors"] = [_error(each) for each in result.errors]
    return Answer(200, found)


def _refused(query: str) -> list[GraphQLError]:
    try:
        return validate(schema(), parse(query))
    except GraphQLError as error:
        return [error]


def limited(message: str) -> Answer:
    """What is said where no more queries are left: unlike REST, with status 200."""
    return Answer(200, {"errors": [{"type": "RATE_LIMITED", "message": message}]})


def _error(error: GraphQLError) -> Node:
    found: Node = dict(error.formatted)
    # GitHub puts what graphql-core calls extensions beside the message.
    return {**found.pop("extensions", {}), **found}


def _absent(kind: str, what: str) -> GraphQLError:
    return GraphQLError(f"Could not resolve to a {kind} with {what}.", extensions={"type": "NOT_FOUND"})


def _forbidden() -> GraphQLError:
    """What a fine-grained token gets in place of checks, which no permission of its lets it read."""
    return GraphQLError("Resource not accessible by personal access token", extensions={"type": "FORBIDDEN"})


class _Root:
    """What a query may begin with."""

    def __init__(self, github: FakeGitHub) -> None:
        self._github = github

    def repository(self, _info: Any, owner: str, name: str, **_unused: Any) -> Node:
        found = self._github.repositories.get(f"{owner}/{name}")
        if not found:
            raise _absent("Repository", f"the name '{owner}/{name}'")
        return _repository(found)

    def nodes(self, _info: Any, ids: list[str]) -> list[Node | GraphQLError]:
        return [self._node(name) for name in ids]

    def _node(self, name: str) -> Node | GraphQLError:
        for repository in self._github.repositories.values():
            for run in repository.runs:
                if name == f"WFR_{run.id}":
                    return _run(repository, run)
        return _absent("node", f"the global id of '{name}'")

    def rateLimit(self, _info: Any, **_unused: Any) -> Node:
        return {"cost": 1, "limit": 5000, "remaining": 4999, "resetAt": stamp(time.time() + 3600)}


def _repository(repository: FakeRepository) -> Node:
    short = repository.name.split("/")[1]
    return {
        "__typename": "Repository",
        "id": f"R_{repository.id}",
        "name": short,
        "nameWithOwner": repository.name,
        "owner": _owner(repository),
        "description": None,
        "hasIssuesEnabled": True,
        "hasWikiEnabled": False,
        "viewerPermission": "ADMIN",
        "mergeCommitAllowed": True,
        "rebaseMergeAllowed": True,
        "squashMergeAllowed": True,
        "parent": None,
        "object": lambda _info, expression=None, oid=None: _object(repository, oid or expression),
        "ref": lambda _info, qualifiedName: _ref(repository, qualifiedName),
        "defaultBranchRef": lambda _info: _ref(repository, f"refs/heads/{repository.default_branch}"),
        "pullRequests": lambda _info, **asked: _pulls(repository, asked),
    }


def _owner(repository: FakeRepository) -> Node:
    return {"__typename": "User", "id": "U_1", "login": repository.name.split("/")[0], "name": None}


def _object(repository: FakeRepository, expression: str) -> Node | None:
    git = repository.git
    name, colon, path = expression.partition(":")
    found = git.branch_or_tag(name)
    sha = git.object(f"{found[1] if found else name}{colon}{path}")
    if not sha:
        return None
    kind = git.kind(sha)
    if kind == "blob":
        return _blob(sha, git.blob(sha))
    if kind == "tree":
        path = path.strip("/")
        return {
            "__typename": "Tree",
            "id": f"T_{sha}",
            "oid": sha,
            "entries": [_entry(repository, path, entry) for entry in git.tree(sha)],
        }
    return {"__typename": str(kind).capitalize(), "id": f"O_{sha}", "oid": sha, "statusCheckRollup": None}


def _entry(repository: FakeRepository, folder: str, entry: Entry) -> Node:
    return {
        "name": entry.path,
        "path": f"{folder}/{entry.path}" if folder else entry.path,
        "mode": int(entry.mode, 8),
        "type": entry.kind,
        "oid": entry.sha,
        "object": lambda _info: _object(repository, entry.sha),
    }


def _blob(sha: str, data: bytes) -> Node:
    binary = b"\0" in data
    text = None if binary else data[:_TEXT_LIMIT].decode(errors="replace")
    return {
        "__typename": "Blob",
        "id": f"B_{sha}",
        "oid": sha,
        "byteSize": len(data),
        "isBinary": binary,
        "isTruncated": len(data) > _TEXT_LIMIT,
        "text": text,
    }


def _ref(repository: FakeRepository, name: str) -> Node | None:
    found = repository.git.branch_or_tag(name)
    if not found:
        return None
    full, sha = found
    return {"id": f"REF_{full}", "name": full.split("/", 2)[2], "target": _object(repository, sha)}


def _slice(items: list[Any], asked: Mapping[str, Any]) -> list[Any]:
    if asked.get("first") is None and asked.get("last") is None:
        raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
    if asked.get("after") or asked.get("before"):
        raise NotImplementedError("the fake has no cursors")
    return items[: asked["first"]] if asked.get("first") is not None else items[-asked["last"] :]


def _pulls(repository: FakeRepository, asked: Mapping[str, Any]) -> Node:
    if asked.get("labels") or (asked.get("orderBy") or {}).get("field", "CREATED_AT") != "CREATED_AT":
        raise NotImplementedError(f"the fake does not heed all of {sorted(asked)}")
    found = [
        pull
        for pull in sorted(repository.pulls.values(), key=lambda pull: pull.number)
        if ("OPEN" if pull.is_open else "CLOSED") in (asked.get("states") or ["OPEN", "CLOSED"])
        and asked.get("headRefName") in (None, pull.head)
        and asked.get("baseRefName") in (None, pull.base)
    ]
    if (asked.get("orderBy") or {}).get("direction") == "DESC":
        found.reverse()
    nodes = [_pull(repository, pull) for pull in _slice(found, asked)]
    return {"totalCount": len(found), "nodes": nodes, "pageInfo": {"hasNextPage": len(nodes) < len(found)}}


def _pull(repository: FakeRepository, pull: Pull) -> Node:
    rollup: Node | GraphQLError | None = {"id": f"SCR_{pull.number}", "state": pull.rollup} if pull.rollup else None
    if rollup and not repository.checks_readable:
        rollup = _forbidden()
    head = repository.head_of(pull)
    commit = {"__typename": "Commit", "id": f"C_{head}", "oid": head, "statusCheckRollup": rollup}
    return {
        "__typename": "PullRequest",
        "id": f"PR_{pull.number}",
        "number": pull.number,
        "title": pull.title,
        "url": f"https://github.com/{repository.name}/pull/{pull.number}",
        "isDraft": pull.draft,
        "state": "OPEN" if pull.is_open else "CLOSED",
        "createdAt": stamp(pull.created),
        "isCrossRepository": False,
        "headRepository": lambda _info: _repository(repository),
        "headRepositoryOwner": _owner(repository),
        "headRefName": pull.head,
        "baseRefName": pull.base,
        "commits": lambda _info, **asked: {"nodes": _slice([{"id": f"PRC_{head}", "commit": commit}], asked)},
    }


def _run(repository: FakeRepository, run: Run) -> Node:
    conclusion = run.stage(time.time()).conclusion
    return {
        "__typename": "WorkflowRun",
        "id": f"WFR_{run.id}",
        "databaseId": run.id,
        "checkSuite": {
            "id": f"CS_{run.id}",
            "conclusion": conclusion and conclusion.upper(),
            "checkRuns": _check_runs(repository, run),
        },
    }


def _check_runs(repository: FakeRepository, run: Run) -> Callable[..., Node]:
    def resolve(_info: Any, **asked: Any) -> Node:
        if asked.get("filterBy"):
            raise NotImplementedError("the fake does not filter check runs")
        found = _slice(repository.jobs[run.id], asked)
        return {"nodes": [_check_run(run, *each) if repository.checks_readable else _forbidden() for each in found]}

    return resolve


def _check_run(run: Run, number: int, job: Job) -> Node:
    stage = run.job_stage(job, time.time())
    return {
        "id": f"CR_{number}",
        "databaseId": number,
        "name": job.name,
        "conclusion": stage.conclusion and stage.conclusion.upper(),
        "startedAt": stamp(stage.started),
        "completedAt": None if stage.ended is None else stamp(stage.ended),
    }
