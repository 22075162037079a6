# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as GitHub describes them: what the fake knows, completed with neutral values where more is required."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..contract import document
from .exchange import Call
from .git import Commit, Person

#: The account that everything belongs to, and that does everything.
LOGIN = "octocat"
_TIME = "2026-01-01T00:00:00Z"


def complete(schema: str, /, **known: Any) -> dict[str, Any]:
    """An object of a named schema; a key that the schema does not describe is a mistake."""
    return _object(schema, {"$ref": f"#/components/schemas/{schema}"}, known)


def _object(where: str, schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    schema = _resolved(schema)
    unknown = set(known) - set(schema.get("properties", {}))
    if unknown:
        raise KeyError(f"{where} has no {', '.join(sorted(unknown))}")
    missing = [key for key in schema.get("required", ()) if key not in known]
    return {**{key: _neutral(key, schema["properties"][key]) for key in missing}, **copy.deepcopy(dict(known))}


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _neutral(key: str, given: Mapping[str, Any]) -> Any:
    schema = _resolved(given)
    if schema.get("nullable"):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    for alternatives in ("anyOf", "allOf"):
        if alternatives in schema:
            return _neutral(key, schema[alternatives][0])
    kind = schema.get("type")
    if kind == "object":
        # The one object that nearly every other holds.
        known = {"login": LOGIN, "id": 1, "type": "User"} if "gravatar_id" in schema.get("properties", {}) else {}
        return _object(key, schema, known)
    return {"array": [], "integer": 0, "number": 0, "boolean": False}.get(str(kind), _text(key, schema))


def _text(key: str, schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return _TIME
    return "https://github.invalid" if schema.get("format") == "uri" or key.endswith("url") else ""


def user(login: str = LOGIN) -> dict[str, Any]:
    """An account."""
    return complete("simple-user", login=login, id=1, type="User")


def stamped(person: Person) -> dict[str, str]:
    """Who wrote or committed."""
    return {"name": person.name, "email": person.email, "date": person.date}


def simple_commit(commit: Commit) -> dict[str, Any]:
    """A commit as a run shows it."""
    author, committer = ({"name": who.name, "email": who.email} for who in (commit.author, commit.committer))
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": author,
        "committer": committer,
    }


def repository(call: Call, name: str = "full-repository", **more: Any) -> dict[str, Any]:
    """The repository, in one of the sizes that GitHub describes."""
    owner, short = call.repository.name.split("/")
    return complete(
        name,
        id=call.repository.id,
        node_id=f"R_{call.repository.id}",
        name=short,
        full_name=call.repository.name,
        owner=complete("simple-user", login=owner, id=1, type="Organization"),
        url=call.url(),
        html_url=call.web(),
        default_branch=call.repository.default_branch,
        permissions={"admin": True, "maintain": True, "push": True, "triage": True, "pull": True},
        **more,
    )


def commit(call: Call, found: Commit, **more: Any) -> dict[str, Any]:
    """A commit as the lists of commits show it."""
    return complete(
        "commit",
        sha=found.sha,
        node_id=f"C_{found.sha}",
        url=call.url("commits", found.sha),
        html_url=call.web("commit", found.sha),
        commit={
            "url": call.url("git/commits", found.sha),
            "author": stamped(found.author),
            "committer": stamped(found.committer),
            "message": found.message,
            "comment_count": 0,
            "tree": {"sha": found.tree, "url": call.url("git/trees", found.tree)},
        },
        author=None,
        committer=None,
        parents=[{"sha": sha, "url": call.url("commits", sha)} for sha in found.parents],
        **more,
    )
