# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub's API for one repository: limits are waited out, unchanged answers are free, refusals say what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.tiered.rollback.plugins.module_utils import _api
from ansible_collections.tiered.rollback.plugins.module_utils._api import GitHubApi
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._http import Answer, Http, HttpError, Patience
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC

#: Option of the modules that ask GitHub; documented in the ``github`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {"github": {"type": "dict", "required": True, "options": _api.GITHUB_SPEC}}
#: GitHub answers 403 or 429 with Retry-After to what it did not carry out (its secondary rate limits).
_PATIENCE = Patience(passing=frozenset({500, 502, 503, 504}), turned_away=frozenset({403, 429}))
_PER_PAGE = 100
_SAID = 300
#: A time as GitHub says it, that a calendar has.
_SECONDS = re.compile("[0-9]{1,11}")


class GitHub:
    """A repository; paths begin behind ``/repos/OWNER/NAME``."""

    def __init__(self, api: GitHubApi) -> None:
        self.api = api
        self._http = Http(
            api.root,
            {
                "Authorization": f"Bearer {api.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            api.timeout,
            _PATIENCE,
        )
        self._base = f"{api.prefix}/repos/{api.repository}"
        self._known: dict[str, tuple[str, Any]] = {}

    def get(self, path: str, /, **query: Any) -> Any:
        """Return a document; one that did not change since it was last asked for does not count against the limit."""
        return self._get(path, query)[0]

    def pages(self, path: str, key: str | None, most: int, /, **query: Any) -> list[Any]:
        """Return the entries of a list, a hundred to a request.

        :param key: key of the list in each page; None where the page is the list.
        :param most: entries that are enough.
        """
        found: list[Any] = []
        for page in range(1, most // _PER_PAGE + 2):
            document, more = self._get(path, {**query, "per_page": min(most, _PER_PAGE), "page": page})
            entries = document if key is None else document.get(key) if isinstance(document, dict) else None
            if not isinstance(entries, list):
                raise unreadable(f"GET {path}")
            found += entries
            if not more or len(found) >= most:
                break
        return found[:most]

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Any:
        """Carry out a request that changes something; return its JSON, or None.

        :param repeatable: whether asking twice is as good as once.
        """
        return self._exchange(method, self._base + path, body, repeatable=repeatable).document

    def graphql(self, query: str, variables: Mapping[str, Any], *, partly: bool = False) -> dict[str, Any]:
        """Return the data that a query, not a mutation, asks for.

        :param partly: leave what the token may not read null, instead of refusing what it may.
        """
        body = {"query": query, "variables": dict(variables)}
        answer = self._exchange("POST", "/graphql", body, repeatable=True)
        document = answer.document
        if not isinstance(document, dict):
            raise unreadable("POST /graphql")
        errors = _listed(document.get("errors"))
        if partly and document.get("data"):
            errors = [each for each in errors if each.get("type") != "FORBIDDEN"]
        if errors:
            said = "; ".join(str(each.get("message", each)) for each in errors[:3])
            # A rate limit that is used up is no refusal by status here.
            message, hint = _limited(answer.headers, "POST /graphql") or (
                f"GitHub refused a GraphQL query about {self.api.repository}: {said}"[:_SAID],
                "See that the repository exists and that the token may read its contents, actions and pull requests.",
            )
            raise RollbackError(message, hint)
        if not isinstance(document.get("data"), dict):
            raise unreadable("POST /graphql")
        return dict(document["data"])

    def download(self, path: str) -> bytes:
        """Return what a path redirects to; the token is not sent there."""
        answer = self._exchange("GET", self._base + path, expected=(302,))
        if answer.status != 302:
            return answer.content
        try:
            place = urlsplit(answer.headers.get("Location", ""))
        except ValueError as error:
            raise unreadable(f"GET {path}") from error
        elsewhere = Http(f"{place.scheme}://{place.netloc}", {}, self.api.timeout)
        # What follows the path is a signature, which no error may show.
        try:
            return elsewhere.exchange("GET", f"{place.path}?{place.query}").content
        except RollbackError as error:
            raise RollbackError(
                f"what GET {path} redirects to cannot be read from {place.hostname}",
                "Artifacts expire; see that the host is reachable from the target.",
            ) from error

    def _get(self, path: str, query: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return a document, and whether there is another page."""
        asked = {name: value for name, value in query.items() if value is not None}
        path = f"{self._base}{path}{'?' if asked else ''}{urlencode(asked)}"
        tag, document = self._known.get(path, ("", None))
        answer = self._exchange("GET", path, headers={"If-None-Match": tag} if tag else None, expected=(304,))
        if answer.status != 304:
            document = self._http.json(answer, f"GET {path}")
            if answer.headers.get("ETag"):
                self._known[path] = (answer.headers["ETag"], document)
        return document, 'rel="next"' in answer.headers.get("Link", "")

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        try:
            return self._http.exchange(method, path, body, **options)
        except HttpError as error:
            raise _explained(error, f"{method} {path}", self.api.repository) from error


def given(params: Mapping[str, Any]) -> GitHub:
    """Return the repository that a module was given."""
    return GitHub(_api.parse_github(params["github"], "github"))


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def unreadable(what: str) -> RollbackError:
    """Return the error about an answer that is not what GitHub describes."""
    return RollbackError(
        f"{what} was answered with what GitHub's API does not answer with",
        "See that github.url is the API's URL (https://api.github.com, or https://HOST/api/v3).",
    )


def _explained(error: HttpError, what: str, repository: str) -> HttpError:
    """Say what a refusal of GitHub's means and what to do; the status stays for those who expect it."""
    said = _said(error.document)
    headers = error.answer.headers
    message, hint = f"GitHub refused {what} ({error.status}){': ' if said else ''}{said}", error.hint
    if error.status == 401:
        hint = "github.token is wrong or has expired; this request changed nothing."
    elif error.status in (403, 429):
        message, hint = _limited(headers, what) or (message, _permission(headers))
    elif error.status == 404:
        hint = f"It does not exist in {repository}, or the token may not see it: it needs access to the repository."
    elif error.status in (409, 422):
        hint = "What GitHub said is the reason; this request changed nothing."
    return HttpError(message, hint, error.answer)


def _limited(headers: Mapping[str, str], what: str) -> tuple[str, str] | None:
    """Message and hint where a rate limit is the reason."""
    if headers.get("X-RateLimit-Remaining") == "0" and _SECONDS.fullmatch(headers.get("X-RateLimit-Reset", "")):
        until = datetime.fromtimestamp(int(headers["X-RateLimit-Reset"]), UTC)
        return (
            f"GitHub refused {what}: the rate limit of this token is used up until {until:%H:%M:%S} UTC",
            "Wait until then or use another token; what was done before this request stays done.",
        )
    if "Retry-After" in headers:
        return (
            f"GitHub refused {what}: too many requests at once (its secondary rate limit)",
            f"Run it again in {headers['Retry-After']} s; what was done before this request stays done.",
        )
    return None


def _permission(headers: Mapping[str, str]) -> str:
    fine = headers.get("X-Accepted-GitHub-Permissions")
    if fine:
        return f"The token needs the repository permission {fine.replace('=', ': ')}; this request changed nothing."
    classic = headers.get("X-Accepted-OAuth-Scopes")
    if classic:
        return f"The token needs one of the scopes {classic}; it has {headers.get('X-OAuth-Scopes') or 'none'}."
    return "The token may not do this, or an organisation's policy forbids it; this request changed nothing."


def _said(document: Any) -> str:
    """GitHub's own words: its message, and of a 422 what is wrong with which field."""
    if not isinstance(document, dict):
        return ""
    words = [each.get("message") or each.get("code") for each in _listed(document.get("errors"))[:5]]
    text = "; ".join(str(word) for word in [document.get("message"), *words] if word)
    return re.sub(r"\s+", " ", text)[:_SAID]


def _listed(errors: Any) -> list[Mapping[str, Any]]:
    """The errors of an answer as objects; some are plain texts."""
    found = errors if isinstance(errors, list) else [errors] if errors else []
    return [each if isinstance(each, dict) else {"message": str(each)} for each in found]
