# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks URLs, and sends an event when one has failed so many times in a row: once per outage.

It counts itself, because a rulebook's ``accumulate_within`` counts failures that are not in a row, and fires again and
again. It needs no package but the standard library's.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

DOCUMENTATION = r"""
---
short_description: Send an event when a URL fails several times in a row.
description:
  - Asks every URL on a fixed beat, side by side. Another status than those of O(status), no connection, and no answer
    in time all count as failures.
  - After O(failures) of them in a row one event is sent, and no other before the URL was healthy again. So a fault is
    known after at most O(failures) times O(interval), and the time that the last request takes.
options:
  targets:
    description:
      - List of dictionaries with C(stack) and C(url), and C(service), C(severity) and C(issue) where they are not the
        usual ones (no service, V(high), V(health_check_failure)).
    type: list
    elements: dict
    required: true
  interval:
    description: Seconds between two requests.
    type: float
    default: 5
  failures:
    description: Failures in a row that make an outage.
    type: int
    default: 3
  timeout:
    description: Seconds for one request, not more than O(interval). The default is O(interval), and at most 5.
    type: float
  status:
    description: Statuses that are healthy. A redirect is not followed.
    type: list
    elements: int
    default: [200]
"""

EXAMPLES = r"""
- tiered.rollback.url_health:
    targets:
      - {stack: udo, url: "http://10.0.0.5:8000/api/status", service: backend}
    interval: 5
"""

logger = logging.getLogger(__name__)

_KEYS = {"targets", "interval", "failures", "timeout", "status"}
_TARGET_KEYS = {"stack", "url", "service", "severity", "issue"}
_DEFAULTS = {"severity": "high", "issue": "health_check_failure"}
#: What ansible-rulebook adds by itself.
_OF_THE_RULEBOOK = {"eda_feedback_queue"}
_LONGEST = 5.0


@dataclass(frozen=True)
class Options:
    """What was asked for, checked."""

    targets: tuple[dict[str, str], ...]
    interval: float
    failures: int
    timeout: float
    status: tuple[int, ...]


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Watch every target until the task is cancelled."""
    options = parse(args)
    await asyncio.gather(*(_watch(queue, target, options) for target in options.targets))


def parse(args: dict[str, Any]) -> Options:
    """Check the options; raises ValueError that says which one is wrong."""
    given = {key: value for key, value in args.items() if key not in _OF_THE_RULEBOOK}
    if unknown := sorted(set(given) - _KEYS):
        raise ValueError(f"url_health has no option {', '.join(unknown)}; it has {', '.join(sorted(_KEYS))}")
    targets = given.get("targets")
    if not isinstance(targets, list) or not targets:
        raise ValueError("url_health needs targets: a list of dictionaries with stack and url")
    interval = _number("interval", given.get("interval", 5), 0.1, 3600)
    failures = _number("failures", given.get("failures", 3), 1, 100)
    if failures != int(failures):
        raise ValueError(f"url_health: failures must be a whole number, not {failures!r}")
    timeout = _number("timeout", given.get("timeout", min(interval, _LONGEST)), 0.05, interval)
    status = given.get("status", [200])
    if not isinstance(status, list) or not status or not all(map(_is_status, status)):
        raise ValueError(f"url_health: status must be a list of HTTP statuses, not {status!r:.80}")
    return Options(tuple(_target(each) for each in targets), interval, int(failures), timeout, tuple(status))


def _is_status(code: Any) -> bool:
    return isinstance(code, int) and 100 <= code < 600


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"url_health: {name} must be a number from {least:g} to {most:g}, not {value!r:.60}")
    return float(value)


def _target(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict) or not {"stack", "url"} <= set(raw) <= _TARGET_KEYS:
        raise ValueError(
            f"url_health: a target has stack and url, and may have service, severity and issue: {raw!r:.120}"
        )
    if not all(isinstance(value, str) and value for value in raw.values()):
        raise ValueError(f"url_health: a value of a target is empty or no text: {raw!r:.120}")
    parts = urlsplit(raw["url"])
    # Without its user part the URL can be shown in logs.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"url_health: not an HTTP URL without user and password: {raw['url']!r:.120}")
    if any(ord(character) <= 32 or ord(character) > 126 for character in raw["url"]):
        raise ValueError(f"url_health: a URL has no spaces and nothing but ASCII: {raw['url']!r:.120}")
    return {**_DEFAULTS, **raw}


async def _watch(queue: Any, target: dict[str, str], options: Options) -> None:
    loop, failed = asyncio.get_running_loop(), 0
    due = loop.time()
    while True:
        problem = await ask(target["url"], options)
        if problem:
            failed += 1
            logger.info("%s failed %d times in a row: %s", target["url"], failed, problem)
            if failed == options.failures:
                told = {key: value for key, value in target.items() if key != "url"}
                await queue.put({"url_health": {**told, "failures": failed}})
        elif failed:
            logger.info("%s is healthy again", target["url"])
            failed = 0
        # On the beat, however long a request takes; beats that were missed are not caught up with.
        due = max(due + options.interval, loop.time())
        await asyncio.sleep(due - loop.time())


async def ask(url: str, options: Options) -> str:
    """Ask once, and return what is wrong; empty where nothing is."""
    try:
        status = await asyncio.wait_for(_status(urlsplit(url)), options.timeout)
    except TimeoutError:
        return f"no answer within {options.timeout:g} s"
    except (OSError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if status in options.status else f"status {status}"


async def _status(parts: SplitResult) -> int:
    """Return the status of an answer; nothing after its first line is read."""
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = f"Host: {parts.netloc}\r\nUser-Agent: tiered.rollback\r\nAccept: */*\r\nConnection: close"
        writer.write(f"GET {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode("ascii"))
        await writer.drain()
        protocol, status = (await reader.readline()).split()[:2]
        if not protocol.startswith(b"HTTP/"):
            raise ValueError("no HTTP answer")
        return int(status)
    finally:
        writer.close()
