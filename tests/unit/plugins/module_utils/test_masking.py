# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils import _masking


def test_secrets_are_masked_the_longest_first() -> None:
    assert _masking.mask("hunter2hunter2 hunter2", ["hunter2", "hunter2hunter2", ""]) == "*** ***"


def test_every_text_of_a_value_is_masked_and_nothing_else() -> None:
    value = {"hunter2": ["said hunter2", 7, None, ("hunter2",)], "ok": True}
    assert _masking.mask(value, {"hunter2"}) == {"hunter2": ["said ***", 7, None, ["***"]], "ok": True}


def test_short_values_that_nobody_called_secret_are_none() -> None:
    assert _masking.lengthy(["ab", "true", 12, 12345, None]) == {"true", "12345", "None"}
