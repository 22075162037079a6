# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.filter import awx
from ansible_collections.tiered.rollback.plugins.module_utils import _awx, _awx_setup

LEAST = {"project": {"url": "https://git.example.com/x.git"}, "execution_environment": {"image": "ee:1"}}


def test_what_is_missing_is_named() -> None:
    missing = awx.FilterModule().filters()["awx_missing"]
    wanted = _awx.wanted(_awx_setup.parse(LEAST), [])
    assert missing(wanted)["labels"] == ["tiered.rollback"]
    assert "labels" not in missing(wanted, {"labels": [{"name": "tiered.rollback"}]})
