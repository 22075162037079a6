# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP APIs that a stack names: where each is, and the token for it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

MCP_SPEC: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "timeout": {"type": "float", "default": 60.0},
    "services": {"type": "list", "elements": "str", "default": []},
}
GITHUB_SPEC: dict[str, dict[str, Any]] = {
    "repository": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "url": {"type": "str", "default": "https://api.github.com"},
    "clone_url": {"type": "str"},
    "branch": {"type": "str"},
    "timeout": {"type": "float", "default": 30.0},
}
#: As GitHub allows an owner and a repository to be called.
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
#: What is reached by a key, or lies on the target, and gets no token.
_GIT_URL = re.compile(r"(ssh|file)://[^\s]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\s]+")
_ENTERPRISE = "/api/v3"


@dataclass(frozen=True, kw_only=True)
class McpApi:
    """The snapshot API of an MCP container, as peelback provides it.

    :param timeout: seconds for one request, retries included.
    :param services: services that work with the data, and are stopped while it is replaced.
    """

    url: str
    token: str = field(repr=False)
    timeout: float
    services: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GitHubApi:
    """A repository on GitHub or GitHub Enterprise.

    :param repository: ``owner/name``.
    :param root: URL that REST paths, behind *prefix*, and ``/graphql`` are below.
    :param clone_url: where git finds the repository.
    :param branch: the branch that CI rollbacks are about; None for the repository's default branch.
    :param timeout: seconds for one request, retries included.
    """

    repository: str
    token: str = field(repr=False)
    root: str
    prefix: str
    clone_url: str
    branch: str | None
    timeout: float


def parse_mcp(values: Mapping[str, Any], where: str) -> McpApi:
    """Check what the specification cannot say; *values* are validated by it."""
    url = _base(values["url"], f"{where}.url")
    return McpApi(
        url=url,
        token=_token(values["token"], where),
        timeout=_timeout(values["timeout"], where, 60),
        services=tuple(values["services"]),
    )


def parse_github(values: Mapping[str, Any], where: str) -> GitHubApi:
    """Check what the specification cannot say; *values* are validated by it."""
    repository = values["repository"]
    if not _REPOSITORY.fullmatch(repository) or repository.endswith((".git", "/.", "/..")):
        raise RollbackError(
            f"{where}.repository must be owner/name, not {repository!r:.120}", "Leave out the host and '.git'."
        )
    url = _base(values["url"], f"{where}.url").rstrip("/")
    enterprise = url.endswith(_ENTERPRISE)
    if values["branch"] is not None:
        _names.branch(values["branch"], f"{where}.branch")
    web = url.removesuffix(_ENTERPRISE) if enterprise else url.replace("://api.", "://", 1)
    clone_url = values["clone_url"] or f"{web}/{repository}.git"
    return GitHubApi(
        repository=repository,
        token=_token(values["token"], where),
        # REST and GraphQL of GitHub Enterprise are beside each other: /api/v3 and /api/graphql.
        root=url.removesuffix("/v3") if enterprise else url,
        prefix="/v3" if enterprise else "",
        clone_url=_git_url(clone_url, f"{where}.clone_url"),
        branch=values["branch"],
        timeout=_timeout(values["timeout"], where, 30),
    )


def _base(url: str, where: str) -> str:
    if "?" in _names.http_url(url, where) or "#" in url:
        raise RollbackError(f"{where} must end with a path: {url}", "Leave out what begins with '?' or '#'.")
    return url


def _git_url(url: str, where: str) -> str:
    if _GIT_URL.fullmatch(url):
        return url
    return _names.http_url(url, where)


def _token(token: str, where: str) -> str:
    # An error about a header that cannot be sent would show it.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise RollbackError(
            f"{where}.token is no token: it must be of visible ASCII characters, without spaces",
            "Look for a line end or an empty variable; the value is not shown here.",
        )
    return token


def _timeout(seconds: float, where: str, default: int) -> float:
    if not 0 < seconds <= 3600:
        raise RollbackError(f"{where}.timeout must be from 0 to 3600 seconds", f"{default} is the default.")
    return seconds
