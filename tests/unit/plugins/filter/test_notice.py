# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
from pathlib import Path

import yaml
from ansible_collections.tiered.rollback.plugins.filter import notice

ROOT = Path(__file__).resolve().parents[4]
tell = notice.FilterModule().filters()["notice"]


def test_without_a_result_the_run_begins() -> None:
    assert tell({"id": "1"}, "shop", "Undo")["event"] == "start"
    assert tell({"id": "1"}, "shop", "Undo", {"failed": True})["event"] == "failure"


def test_the_documentation_is_of_what_the_filter_takes_and_returns() -> None:
    documented = yaml.safe_load((ROOT / "plugins/filter/notice.yml").read_text())
    assert ["run", *list(documented["DOCUMENTATION"]["options"])[1:]] == list(inspect.signature(tell).parameters)
    assert set(documented["RETURN"]["_value"]["contains"]) == set(tell({}, "shop", "Undo"))
