# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull requests, comments and deployments over REST."""

from __future__ import annotations

from typing import Any

from . import shapes
from .exchange import PAGE, Answer, Call, GitHubError, answers, not_found
from .repository import Deployment, Pull
from .runs import stamp


@answers("GET", "/pulls", "state", "head", "base", "sort", "direction", *PAGE)
def list_pulls(call: Call) -> list[dict[str, Any]]:
    owner = call.repository.name.split("/")[0]
    query = call.query
    if query.get("sort", "created") != "created":
        raise NotImplementedError(f"sort={query['sort']}")
    found = [
        pull
        for pull in call.repository.pulls.values()
        if query.get("state", "open") in ("all", "open" if pull.is_open else "closed")
        and query.get("base") in (None, pull.base)
        and query.get("head") in (None, f"{owner}:{pull.head}")
    ]
    found.sort(key=lambda pull: pull.number, reverse=query.get("direction", "desc") == "desc")
    return [_pull(call, pull, "pull-request-simple") for pull in call.page(found)]


@answers("POST", "/pulls")
def create_pull(call: Call) -> Answer:
    body, repository = call.body, call.repository
    head = body["head"].removeprefix(f"{repository.name.split('/')[0]}:")
    for field, name in (("head", head), ("base", body["base"])):
        if not repository.git.ref(f"refs/heads/{name}"):
            raise _invalid({"resource": "PullRequest", "field": field, "code": "invalid"})
    if any((pull.head, pull.base) == (head, body["base"]) and pull.is_open for pull in repository.pulls.values()):
        raise _invalid(_custom(f"A pull request already exists for {repository.name.split('/')[0]}:{head}."))
    if not repository.git.commits(f"refs/heads/{body['base']}..refs/heads/{head}"):
        raise _invalid(_custom(f"No commits between {body['base']} and {head}"))
    made = repository.add_pull(
        head=head,
        base=body["base"],
        title=body.get("title", head),
        body=body.get("body"),
        draft=body.get("draft", False),
    )
    return Answer(201, _whole_pull(call, made))


@answers("GET", "/pulls/{pull_number}")
def get_pull(call: Call) -> dict[str, Any]:
    return _whole_pull(call, _find_pull(call, call["pull_number"]))


@answers("POST", "/issues/{issue_number}/comments")
def create_comment(call: Call) -> Answer:
    pull = _find_pull(call, call["issue_number"])
    pull.comments.append(call.body["body"])
    number = call.repository.next_id()
    return Answer(
        201,
        shapes.complete(
            "issue-comment",
            id=number,
            node_id=f"IC_{number}",
            url=call.url("issues/comments", number),
            html_url=call.web("pull", f"{pull.number}#issuecomment-{number}"),
            issue_url=call.url("issues", pull.number),
            body=call.body["body"],
            user=shapes.user(),
            created_at=stamp(call.now),
            updated_at=stamp(call.now),
        ),
    )


@answers("GET", "/deployments", "sha", "ref", "environment", *PAGE)
def list_deployments(call: Call) -> list[dict[str, Any]]:
    asked = {name: call.query.get(name) for name in ("sha", "ref", "environment")}
    found = [
        each
        for each in call.repository.deployments
        if all(value in (None, getattr(each, name)) for name, value in asked.items())
    ]
    return [_deployment(call, each) for each in call.page(found)]


@answers("POST", "/deployments")
def create_deployment(call: Call) -> Answer:
    found = call.repository.git.branch_or_tag(call.body["ref"])
    sha = found[1] if found else call.repository.git.resolve(call.body["ref"])
    if not sha:
        raise GitHubError(422, f"No ref found for: {call.body['ref']}")
    return Answer(201, _deployment(call, call.repository.new_deployment(sha, call.body)))


@answers("GET", "/deployments/{deployment_id}/statuses", *PAGE)
def list_statuses(call: Call) -> list[dict[str, Any]]:
    deployment = _find_deployment(call)
    return [_status(call, deployment, *each) for each in call.page(deployment.statuses[::-1])]


@answers("POST", "/deployments/{deployment_id}/statuses")
def create_status(call: Call) -> Answer:
    deployment = _find_deployment(call)
    return Answer(201, _status(call, deployment, *call.repository.add_status(deployment, call.body)))


def _invalid(error: dict[str, str]) -> GitHubError:
    return GitHubError(422, "Validation Failed", errors=[error])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}


def _find_pull(call: Call, number: str) -> Pull:
    try:
        return call.repository.pulls[int(number)]
    except KeyError:
        raise not_found() from None


def _find_deployment(call: Call) -> Deployment:
    for deployment in call.repository.deployments:
        if str(deployment.id) == call["deployment_id"]:
            return deployment
    raise not_found()


def _end_of_pull(call: Call, branch: str, sha: str | None) -> dict[str, Any]:
    owner = call.repository.name.split("/")[0]
    repository = shapes.repository(call, "repository")
    return {"label": f"{owner}:{branch}", "ref": branch, "sha": sha, "repo": repository, "user": shapes.user(owner)}


def _pull(call: Call, pull: Pull, name: str, **more: Any) -> dict[str, Any]:
    url = call.url("pulls", pull.number)
    return shapes.complete(
        name,
        id=pull.number,
        node_id=f"PR_{pull.number}",
        number=pull.number,
        state="open" if pull.is_open else "closed",
        title=pull.title,
        body=pull.body,
        draft=pull.draft,
        head=_end_of_pull(call, pull.head, call.repository.head_of(pull)),
        base=_end_of_pull(call, pull.base, call.repository.git.ref(f"refs/heads/{pull.base}")),
        user=shapes.user(),
        url=url,
        html_url=call.web("pull", pull.number),
        created_at=stamp(pull.created),
        updated_at=stamp(pull.created),
        **more,
    )


def _whole_pull(call: Call, pull: Pull) -> dict[str, Any]:
    git, head = call.repository.git, call.repository.head_of(pull)
    changes = git.changes(git.merge_base(f"refs/heads/{pull.base}", head) or git.empty_tree(), head)
    return _pull(
        call,
        pull,
        "pull-request",
        commits=len(git.commits(f"refs/heads/{pull.base}..{head}")),
        changed_files=len(changes),
        additions=sum(each.additions for each in changes),
        deletions=sum(each.deletions for each in changes),
        comments=len(pull.comments),
        mergeable=True,
        mergeable_state="clean",
    )


def _deployment(call: Call, deployment: Deployment) -> dict[str, Any]:
    url = call.url("deployments", deployment.id)
    changed = deployment.statuses[-1][1] if deployment.statuses else deployment.created
    return shapes.complete(
        "deployment",
        id=deployment.id,
        node_id=f"DE_{deployment.id}",
        sha=deployment.sha,
        ref=deployment.ref,
        task="deploy",
        environment=deployment.environment,
        description=deployment.description,
        creator=shapes.user(),
        url=url,
        statuses_url=f"{url}/statuses",
        repository_url=call.url(),
        created_at=stamp(deployment.created),
        updated_at=stamp(changed),
    )


def _status(call: Call, deployment: Deployment, number: int, at: float, said: Any) -> dict[str, Any]:
    url = call.url("deployments", deployment.id)
    return shapes.complete(
        "deployment-status",
        id=number,
        node_id=f"DES_{number}",
        state=said["state"],
        environment=said.get("environment", deployment.environment),
        description=said.get("description", ""),
        log_url=said.get("log_url", ""),
        environment_url=said.get("environment_url", ""),
        creator=shapes.user(),
        url=f"{url}/statuses/{number}",
        deployment_url=url,
        repository_url=call.url(),
        created_at=stamp(at),
        updated_at=stamp(at),
    )
