# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 does not get healthy on the canary: it runs v1.0.0 again, and nobody else was touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import HOSTS, NEW

#: All of them are this machine, which is looked at once.
testinfra_hosts = [f"ansible://{HOSTS[0]}"]
STACKS = dict(zip(HOSTS, molecule.stacks(), strict=True))


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_serves_what_it_served_before(host: Any, name: str) -> None:
    molecule.assert_serves(host, STACKS[name], NEW)
    molecule.assert_configured(host, STACKS[name], NEW)


@pytest.mark.parametrize("name", HOSTS[1:])
def test_nobody_but_the_canary_was_touched(name: str) -> None:
    made = STACKS[name]
    assert made.states("api") == {key: tuple(state) for key, state in molecule.noted(made)["states"].items()}
    assert made.ledger() == []


def test_the_canary_says_what_became_of_it() -> None:
    (line,) = STACKS["web1"].ledger()
    assert line["outcome"] == "reverted"


def test_the_report_says_why_nobody_else_had_a_turn() -> None:
    directory = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "fleet"
    (path,) = directory.glob("*.json")
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["outcome"] == "stopped"
    assert report["why"] == "the canary did not succeed: web1 (reverted)"
    assert [each["outcome"] for each in report["hosts"]] == ["reverted", "not begun"]
    for suffix in (".html", ".md"):
        assert "the canary did not succeed" in path.with_suffix(suffix).read_text(encoding="utf-8")
