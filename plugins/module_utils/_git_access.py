# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a git remote: where it is and who may in, as settings that no file and no command line has."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import unquote

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout

Setting = tuple[str, str]

_URL = re.compile(r"[a-z0-9+.-]+://.+|[^/]+:.*", re.IGNORECASE | re.DOTALL)
_HTTP = re.compile(r"(https?://)(?:([^/@]*)@)?(.+)", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/@:]*:([^/@]+)@")


def find(repository: str, token: str | None) -> tuple[list[Setting], Path | None]:
    """Return the settings that lead to a remote, and where objects of it are at hand.

    :param repository: URL of the remote, or the path of a clone whose ``origin`` it is.
    """
    if _URL.fullmatch(repository):
        if repository.lower().startswith("http"):
            _names.http_url(repository, "repository")
        settings, borrowed = [("remote.origin.url", repository)], None
    else:
        path = Path(repository).expanduser()
        clone = Checkout(str(path))
        settings = clone.access()
        # A relative path begins at the clone.
        settings = [
            (name, value if not name.startswith("remote.") or _URL.fullmatch(value) else str(path / value))
            for name, value in settings
        ]
        if "remote.origin.url" not in dict(settings):
            raise RollbackError(
                f"{repository} is no clone with a remote called origin",
                "Give the URL of the remote, or the path of a clone of it on the target.",
            )
        borrowed = clone.objects()
    return _with_login(settings, token), borrowed


def secrets(settings: list[Setting]) -> set[str]:
    """Return what of the settings must not be shown: headers, and passwords of URLs."""
    headers = {value for name, value in settings if name.lower().endswith(".extraheader") and value}
    passwords = {found for pair in settings for text in pair for found in _PASSWORD.findall(text)}
    return headers | {header.rpartition(" ")[2] for header in headers} | passwords


def _with_login(settings: list[Setting], token: str | None) -> list[Setting]:
    """Let the token, or the password that a URL holds, be sent as a header instead of anything else that is known.

    Git gives a URL as it is to the command that talks to the server.
    """
    kept, headers = [], []
    for name, value in settings:
        match = _HTTP.fullmatch(value) if name.startswith("remote.") else None
        if token and name.startswith("remote.") and not match:
            raise RollbackError("a token is for a remote at an HTTP URL", "Leave token away, or give the http(s) URL.")
        if match and (token or ":" in (match[2] or "")):
            value = match[1] + match[3]
            login = f"x-access-token:{token}" if token else unquote(match[2])
            header = f"http.{value}.extraHeader"
            # Several values add up, and an empty one takes back those before it: two logins at once are refused.
            headers += [(header, ""), (header, f"Authorization: Basic {base64.b64encode(login.encode()).decode()}")]
        kept.append((name, value))
    if headers:
        kept = [(name, value) for name, value in kept if not name.endswith(".extraheader")]
        # Where that login is refused, no other is to take its place.
        headers.append(("credential.helper", ""))
    return [*kept, *headers]
