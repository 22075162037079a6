# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RollbackError("it broke"), "it broke"),
        (RollbackError("it broke", "mend it"), "it broke\nHINT: mend it"),
    ],
)
def test_an_error_says_what_is_wrong_and_then_what_to_do(error: RollbackError, text: str) -> None:
    assert str(error) == text


def test_an_error_carries_values_for_the_modules_result() -> None:
    assert RollbackError("held", lock_holder={"id": 1}).facts == {"lock_holder": {"id": 1}}
