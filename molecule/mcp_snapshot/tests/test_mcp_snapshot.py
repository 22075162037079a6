# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data is that of the snapshot, and the service that they had made unhealthy is healthy again by itself."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_what_was_written_after_the_snapshot_is_gone(host: Any) -> None:
    assert not host.file(str(STACK.src / "data/trouble")).exists


def test_the_service_beside_it_is_healthy_again(host: Any) -> None:
    deadline = time.monotonic() + 20
    while not STACK.healthy() and time.monotonic() < deadline:
        time.sleep(0.2)
    molecule.assert_serves(host, STACK, OLD)


def test_peelback_runs_healthy_under_its_label_with_its_token_in_a_private_file(host: Any) -> None:
    found = host.docker(f"{STACK.name}-peelback").inspect()
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["Config"]["Labels"]["tiered.rollback.peelback"] == STACK.name
    token = host.file(str(STACK.state / "peelback" / STACK.name / "token"))
    assert token.mode == 0o600
    assert token.content_string not in str(found)
