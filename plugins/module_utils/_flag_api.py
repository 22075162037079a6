# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A feature flag that the application itself keeps: read at its status endpoint, set through its API."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _flags
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Flag, Value
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack

try:
    import requests
except ImportError:
    requests = None  # type: ignore[assignment]  # _docker reports the missing package


def read(stack: Stack, names: Collection[str]) -> dict[str, Value]:
    """Return what the application says that flags are now.

    :raises RollbackError: when it does not answer, or not with a value.
    """
    return {name: _read(stack.flag(name)) for name in names}


def write(flag: Flag, value: Value) -> None:
    """Tell the application to set a flag.

    :raises RollbackError: when it does not say yes.
    """
    try:
        answer = _checks.session().request(
            flag.api_method,
            flag.api_url or "",
            json=_flags.filled(flag.api_body, value),
            headers=dict(flag.headers),
            timeout=flag.timeout,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise _unreachable(flag, type(error).__name__) from error
    if not 200 <= answer.status_code < 300:
        raise _unreachable(flag, f"status {answer.status_code}")


def check(flag: Flag, value: Value) -> Check | None:
    """Return the check that a flag is what it shall be; None where the application does not tell."""
    if not flag.status_url or not flag.status_path:
        return None
    return Check(
        name=f"flag {flag.name}",
        url=flag.status_url,
        method="GET",
        status=(200,),
        json={flag.status_path: value},
        headers=flag.headers,
        body=None,
        timeout=flag.timeout,
    )


def _read(flag: Flag) -> Value:
    try:
        answer = _checks.session().get(
            flag.status_url or "", headers=dict(flag.headers), timeout=flag.timeout, allow_redirects=False
        )
        document = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise _unreachable(flag, type(error).__name__) from error
    value = _checks.at(document, flag.status_path or "")
    if not isinstance(value, (bool, int, str)):
        raise _unreachable(flag, f"status {answer.status_code}, no value at {flag.status_path}")
    return value


def _unreachable(flag: Flag, what: str) -> RollbackError:
    return RollbackError(
        f"the application does not answer for flag {flag.name} as described: {what}",
        f"Look at status_url and api_url of rollback_stack.flags.{flag.name}, and whether the service runs.",
    )
