# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _lock, _owned


def test_a_stack_is_owned_while_a_block_runs_and_free_whatever_became_of_it(deployment: Any, build: Any) -> None:
    context = deployment.context(run=build.run(), lock_wait=0)

    def work() -> None:
        with _owned.stack(context):
            assert _lock.holder(deployment.state) == build.run()
            (deployment.state / _journal.ACTIVITY).write_text("{}")
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        work()
    assert _lock.holder(deployment.state) is None
    assert not (deployment.state / _journal.ACTIVITY).exists()
