# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are told at start and end, over a real mail server and over HTTP, and no channel is ever fatal."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from ansible_collections.tiered.rollback.tests.support.desk import Desk
from ansible_collections.tiered.rollback.tests.support.inbox import Inbox, opened


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A server that takes what is posted to it."""
    with opened() as found:
        yield found


class Mailbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Any]:
    """A real SMTP server."""
    taken = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(taken, hostname="127.0.0.1", port=port)
    server.start()
    yield taken.mails, port
    server.stop()


def test_every_channel_is_told_in_its_own_form(desk: Desk, inbox: Inbox, mailbox: Any) -> None:
    mails, port = mailbox
    desk.variables = {
        "rollback_notify": [
            {"type": "slack", "url": f"{inbox.url}/hunter2-slack"},
            {"type": "pagerduty", "url": f"{inbox.url}/hunter2-pager", "routing_key": "hunter2-key"},
            {"type": "webhook", "url": f"{inbox.url}/hunter2-hook", "events": ["success"]},
            {"type": "email", "host": "127.0.0.1", "port": port, "to": ["oncall@example.org"]},
        ]
    }
    desk.run("ci-rollback.yml", "--check", method="swap").ok()
    assert (inbox.bodies, mails) == ({}, [])
    desk.run("ci-rollback.yml", method="swap", reason="CI is red").ok()
    run = desk.record()["run"]
    begun, ended = inbox.bodies["/hunter2-slack"]
    assert set(begun) == set(ended) == {"text"}
    assert "CI is red" in begun["text"]
    trigger, resolve = inbox.bodies["/hunter2-pager"]
    assert [each["event_action"] for each in (trigger, resolve)] == ["trigger", "resolve"]
    assert {each["dedup_key"] for each in (trigger, resolve)} == {run}
    assert trigger["routing_key"] == "hunter2-key"
    assert {"summary", "source", "severity"} <= set(trigger["payload"])
    (hook,) = inbox.bodies["/hunter2-hook"]
    assert (hook["event"], hook["run"]) == ("success", run)
    assert [mail["to"] for mail in mails] == ["oncall@example.org"] * 2
    assert "succeeded" in mails[1]["subject"]


def test_what_did_not_get_through_is_said_again_in_the_end_and_never_fatal(desk: Desk, inbox: Inbox) -> None:
    inbox.failing["/hunter2-slow"] = 1
    desk.variables = {
        "rollback_notify": [
            {"type": "slack", "url": f"{inbox.url}/hunter2-slow"},
            {"type": "webhook", "url": "http://127.0.0.1:9/hunter2-gone"},
            {"type": "email", "host": "127.0.0.1", "port": 9, "to": ["oncall@example.org"]},
        ]
    }
    outcome = desk.run("ci-rollback.yml", method="swap").ok()
    # Both are sent in the end, side by side.
    assert {each["text"].partition(" ")[0] for each in inbox.bodies["/hunter2-slow"]} == {"CI", "The"}
    assert "4 of 6 notifications did not get through (webhook, webhook, email, email)" in outcome.said


def test_a_failure_is_told_as_one(desk: Desk, inbox: Inbox) -> None:
    desk.variables = {
        "rollback_notify": [{"type": "webhook", "url": f"{inbox.url}/hunter2", "events": ["failure"]}],
        "ci_rollback_targets": {"coverage": 99},
    }
    assert desk.run("ci-rollback.yml", method="swap").rc == 2
    (told,) = inbox.bodies["/hunter2"]
    assert told["event"] == "failure"
    assert "at least 99 %" in told["text"]


def test_a_channel_of_an_unknown_kind_is_refused_before_anything_is_touched(desk: Desk) -> None:
    refs = desk.project.refs()
    desk.variables = {"rollback_notify": [{"type": "pigeon"}]}
    outcome = desk.run("ci-rollback.yml", method="swap")
    assert outcome.rc == 2
    assert "pigeon" in outcome.said
    assert desk.project.refs() == refs
