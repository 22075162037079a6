# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks as data: HTTP answers, and a project's containers against a restore point. All run side by side."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.tiered.rollback.plugins.module_utils import _flags, _http, _plan, _proc
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack

try:
    import requests
except ImportError:
    requests = None  # type: ignore[assignment]  # _docker reports the missing package

MISSING = object()
_POLL = 0.1
_THREADS = 16


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found; *milliseconds* is how long it took."""

    name: str
    ok: bool
    found: str
    milliseconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        return asdict(self)


def session() -> requests.Session:
    """Return a client for many requests that never keeps a connection open: that would hide a server that went away.

    A check follows redirects, but what it sends (tokens in headers of any name, a login) stays with the host it names.
    """
    # Requests has no types for what it calls at a redirect.
    client: Any = requests.Session()
    client.headers["Connection"] = "close"
    own = client.rebuild_auth

    def withhold(request: requests.PreparedRequest, answer: requests.Response) -> None:
        own(request, answer)
        if client.should_strip_auth(answer.request.url or "", request.url or ""):
            request.prepare_headers({name: value for name, value in request.headers.items() if name in client.headers})
            request.prepare_body(None, None)

    client.rebuild_auth = withhold
    return client  # type: ignore[no-any-return]


def http(check: Check, client: requests.Session | None = None) -> Result:
    """Ask once and compare status and JSON values; never raises for what the server does."""
    begun = time.monotonic()
    try:
        problem = wrong(check, ask(check, client or session()))
    except (requests.RequestException, ValueError) as error:  # urllib3's error for a host such as a..b is the latter
        problem = _http.cause(error)
    took = (time.monotonic() - begun) * 1000
    return Result(name=check.name, ok=not problem, found=problem or "as wanted", milliseconds=round(took, 1))


def run(checks: Sequence[Check]) -> list[Result]:
    """Run every check once, side by side."""
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        return list(pool.map(http, checks))


def poll(checks: Sequence[Check], timeout: float) -> list[Result]:
    """Repeat the checks that fail until all hold or the time is over, and return what was found last."""
    deadline = time.monotonic() + timeout
    results = run(checks)
    while (failing := [n for n, result in enumerate(results) if not result.ok]) and time.monotonic() < deadline:
        time.sleep(_POLL)
        for place, result in zip(failing, run([checks[place] for place in failing]), strict=True):
            results[place] = result
    return results


def wait(checks: Sequence[Check], timeout: float) -> list[Result]:
    """Wait until all checks hold.

    :raises RollbackError: when the time is over, naming every check that does not hold.
    """
    results = poll(checks, timeout)
    if not all(result.ok for result in results):
        raise RollbackError(
            "checks do not hold: " + describe_failures(results),
            "Look at the service's log; a wrong URL in rollback_stack shows here too.",
        )
    return results


def parted(
    checks: Sequence[Check],
    stack: Stack,
    scope: Collection[str] | None,
    wanted: Collection[Check],
    before: Collection[Mapping[str, Any]],
) -> tuple[list[Check], list[Check]]:
    """Part checks into those that must hold and the rest: where only a part goes back, the others may fail on.

    :param scope: the services that go back; None: all.
    :param wanted: checks that were asked for with the run.
    :param before: results before the run; what held then must hold again.
    """
    if scope is None:
        return [*checks], []
    held = {each["name"] for each in before if each["ok"]}
    mine = [check for name in scope for check in stack.service(name).checks]
    needed = [check for check in checks if check in wanted or check in mine or check.name in held]
    return needed, [check for check in checks if check not in needed]


def describe_failures(results: Collection[Result]) -> str:
    """Name the checks that failed, with what they found."""
    return "; ".join(f"{result.name}: {result.found}" for result in results if not result.ok)


def refuse_bad(results: Collection[Result]) -> None:
    """Refuse to capture a state in which a check fails."""
    if not all(result.ok for result in results):
        raise RollbackError(
            f"this is not a state worth returning to: {describe_failures(results)}",
            "Capture a restore point while the version is healthy; a wrong check URL shows here too.",
        )


def refuse_unknown_hosts(checks: Sequence[Check]) -> None:
    """Refuse check URLs whose host has no address: such a check can never hold, whatever the service does."""
    for check in checks:
        try:
            parts = urlsplit(check.url)
            # None would be taken as this machine.
            socket.getaddrinfo(parts.hostname or "", parts.port or 80)
        except (OSError, ValueError, UnicodeError) as error:
            raise RollbackError(
                f"check {check.name} has a URL that leads nowhere: {check.url} ({error})",
                "Correct its url in rollback_stack; nothing was touched.",
            ) from error


def containers(now: Observed, point: RestorePoint) -> list[Result]:
    """Compare containers with a restore point: good, the right image by id, none missing."""
    results = []
    for name, part in point.services.items():
        if part.replicas == 0:
            continue
        found = now.of(name)
        wrong = [c for c in found if c.image_id != part.image_id]
        bad = [c for c in found if not c.good]
        if len(found) < part.replicas:
            problem = f"{len(found)} of {part.replicas} containers exist"
        elif wrong:
            problem = f"{wrong[0].name} runs {_plan.short(wrong[0].image_id)}, not {_plan.short(part.image_id)}"
        elif bad:
            problem = f"{bad[0].name} is {bad[0].state}"
        else:
            problem = ""
        results.append(Result(name=f"container {name}", ok=not problem, found=problem or "as captured"))
    return results


def untouched(before: Observed, now: Observed, scope: Collection[str]) -> list[Result]:
    """Compare the containers that were to be left alone: the same ones, and what was good never restarted.

    :param scope: the services that were not.
    """
    results = []
    for was in before.containers:
        if was.service in scope:
            continue
        found = next((each for each in now.containers if each.id == was.id), None)
        if found is None:
            problem = "is gone"
        elif was.good and not found.good:
            problem = f"is {found.state}"
        elif was.good and found.pid != was.pid:
            problem = "was restarted"
        else:
            problem = ""
        results.append(Result(name=f"untouched {was.name}", ok=not problem, found=problem or "the same container"))
    return results


def health(now: Observed) -> list[Result]:
    """Check the state of every container that is meant to run, whatever its image."""
    return [
        Result(name=f"container {container.name}", ok=container.good, found=container.state)
        for container in now.containers
        if container.running or container.exit_code != 0
    ]


def leftovers(now: Observed, replicas: Mapping[str, int], engine: Engine, before: Collection[str] = ()) -> Result:
    """Look for containers, networks and processes of the project that belong to nothing any more.

    :param replicas: how many containers each service shall have.
    :param before: ids of the containers there were; of those that are gone no process may be left.
    """
    extra = [c.name for c in now.containers if c.service not in replicas]
    for name, count in replicas.items():
        extra += [c.name for c in now.of(name)[count:] if count]
    known = {network.get("name") for network in (now.definition.get("networks") or {}).values()}
    extra += [f"network {name}" for name in engine.networks(now.project) if name not in known]
    extra += _proc.left_behind(set(before) - {c.id for c in now.containers})
    return Result(name="nothing left over", ok=not extra, found=", ".join(extra) or "none")


def ask(check: Check, client: requests.Session) -> requests.Response:
    """Send a check's request and return the answer; raises what requests does."""
    body: dict[str, Any] = {}
    if check.body is not None:
        body = {"data": check.body} if isinstance(check.body, (str, bytes)) else {"json": check.body}
    return client.request(
        check.method,
        check.url,
        headers=dict(check.headers),
        timeout=check.timeout,
        allow_redirects=True,
        **body,
    )


def wrong(check: Check, answer: requests.Response) -> str:
    """Return what is wrong with an answer; empty where nothing is."""
    if answer.status_code not in check.status:
        return f"status {answer.status_code}, wanted {' or '.join(map(str, check.status))}"
    for name, part in check.answer_headers.items():
        if str(part) not in answer.headers.get(name, ""):
            return f"the answer's header {name} does not hold {str(part)!r:.80}"
    if check.contains is not None and check.contains not in answer.text:
        return f"the answer does not hold {check.contains!r:.80}"
    if not check.json:
        return ""
    try:
        document = answer.json()
    except ValueError:
        return "the answer is not JSON"
    return next((found for path, wanted in check.json.items() if (found := _compare(document, path, wanted))), "")


def at(document: Any, path: str) -> Any:
    """Return what stands at a dotted path of a JSON document (``items.0.id``), or :data:`MISSING`."""
    value = document
    for key in path.split("."):
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (KeyError, IndexError, TypeError, ValueError):
            return MISSING
    return value


def _compare(document: Any, path: str, wanted: Any) -> str:
    value = at(document, path)
    if value is MISSING:
        return f"JSON {path} is missing"
    return "" if _flags.alike(value, wanted) else f"JSON {path} is {value!r:.80}, wanted {wanted!r:.80}"
