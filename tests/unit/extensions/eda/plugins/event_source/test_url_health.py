# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import runpy
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

_SOURCE = runpy.run_path(str(Path(__file__).resolve().parents[6] / "extensions/eda/plugins/event_source/url_health.py"))
_TARGET = {"stack": "udo", "url": "http://127.0.0.1:1/", "service": "api"}
_EVENT = {
    "url_health": {
        "stack": "udo",
        "service": "api",
        "severity": "high",
        "issue": "health_check_failure",
        "failures": 3,
    }
}
Answer = Callable[[int], bytes | None]


def _scripted(statuses: list[int], **options: Any) -> tuple[list[Any], int]:
    """Watch a server that answers with one status after the other, and return the events and how often it was asked."""

    def answer(number: int) -> bytes:
        return f"HTTP/1.1 {statuses[number]} Well\r\nContent-Length: 0\r\n\r\n".encode()

    return asyncio.run(_watched(answer, len(statuses), options))


async def _watched(answer: Answer, number: int, options: dict[str, Any]) -> tuple[list[Any], int]:
    """Watch until the server was asked so many times; None as an answer keeps silent."""
    asked, enough, queue = 0, asyncio.Event(), asyncio.Queue[Any]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readline()
        said = answer(asked) if asked < number else b"HTTP/1.1 200 OK\r\n\r\n"
        asked += 1
        if said is None:
            await asyncio.sleep(30)
        else:
            writer.write(said)
            await writer.drain()
        writer.close()
        if asked > number:
            enough.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/status?a=b"
    watching = asyncio.create_task(
        _SOURCE["main"](queue, {"targets": [{**_TARGET, "url": url}], "interval": 0.1, "timeout": 0.1, **options})
    )
    waiting: Awaitable[Any] = asyncio.wait_for(enough.wait(), 30)
    await waiting
    watching.cancel()
    server.close()
    return [queue.get_nowait() for _unused in range(queue.qsize())], asked


def test_the_third_failure_in_a_row_is_an_event() -> None:
    assert _scripted([200, 500, 503, 404])[0] == [_EVENT]


def test_fewer_and_those_that_are_not_in_a_row_are_none() -> None:
    assert _scripted([500, 500, 200, 500, 500, 200])[0] == []


def test_an_outage_is_one_event_however_long_it_lasts_and_the_next_outage_another() -> None:
    assert _scripted([500] * 8)[0] == [_EVENT]
    assert _scripted([500, 500, 500, 500, 200, 500, 500, 500])[0] == [_EVENT, _EVENT]


def test_a_source_that_starts_in_an_outage_sends_its_event() -> None:
    assert _scripted([500, 500, 500])[0] == [_EVENT]


def test_a_server_that_keeps_silent_or_talks_nonsense_fails_in_time() -> None:
    assert asyncio.run(_watched(lambda _number: None, 3, {}))[0] == [_EVENT]
    assert asyncio.run(_watched(lambda _number: b"SSH-2.0-OpenSSH\r\n", 3, {}))[0] == [_EVENT]
    assert asyncio.run(_watched(lambda _number: b"x" * 100_000, 3, {}))[0] == [_EVENT]


def test_other_statuses_can_be_healthy_and_one_failure_can_be_enough() -> None:
    assert _scripted([204, 302, 204], status=[204, 302, 200])[0] == []
    (event,) = _scripted([500], failures=1)[0]
    assert event["url_health"]["failures"] == 1


def test_a_port_that_nothing_listens_on_is_told_in_words() -> None:
    options = _SOURCE["parse"]({"targets": [_TARGET]})
    assert "ConnectionRefusedError" in asyncio.run(_SOURCE["ask"](_TARGET["url"], options))


def test_what_is_not_stated_has_its_default() -> None:
    options = _SOURCE["parse"]({"targets": [_TARGET], "eda_feedback_queue": None})
    assert (options.interval, options.failures, options.timeout, options.status) == (5.0, 3, 5.0, (200,))
    assert _SOURCE["parse"]({"targets": [_TARGET], "interval": 60}).timeout == 5.0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "needs targets"),
        ({"targets": []}, "needs targets"),
        ({"targets": [_TARGET], "intervall": 5}, "no option intervall"),
        ({"targets": [_TARGET], "interval": "5"}, "interval must be a number"),
        ({"targets": [_TARGET], "interval": 0}, "interval must be a number"),
        ({"targets": [_TARGET], "interval": float("nan")}, "interval must be a number"),
        ({"targets": [_TARGET], "interval": True}, "interval must be a number"),
        ({"targets": [_TARGET], "failures": 0}, "failures must be a number"),
        ({"targets": [_TARGET], "failures": 2.5}, "whole number"),
        ({"targets": [_TARGET], "interval": 2, "timeout": 3}, "timeout must be a number from 0.05 to 2"),
        ({"targets": [_TARGET], "status": 200}, "list of HTTP statuses"),
        ({"targets": [_TARGET], "status": []}, "list of HTTP statuses"),
        ({"targets": [_TARGET], "status": [True]}, "list of HTTP statuses"),
        ({"targets": [{"stack": "udo"}]}, "a target has stack and url"),
        ({"targets": [{**_TARGET, "token": "x"}]}, "a target has stack and url"),
        ({"targets": [{**_TARGET, "service": ""}]}, "empty or no text"),
        ({"targets": [{**_TARGET, "url": "ftp://a/"}]}, "not an HTTP URL"),
        ({"targets": [{**_TARGET, "url": "http://user:secret@a/"}]}, "not an HTTP URL"),
        ({"targets": [{**_TARGET, "url": "http://a/ b"}]}, "no spaces"),
        ({"targets": [{**_TARGET, "url": "http://a/\r\nX: y"}]}, "no spaces"),
    ],
)
def test_options_are_strict_and_the_error_names_the_option(args: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _SOURCE["parse"](args)
