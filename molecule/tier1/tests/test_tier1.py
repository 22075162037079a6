# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 runs again, seen from outside."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_configuration_is_that_of_the_version(host: Any) -> None:
    molecule.assert_configured(host, STACK, OLD)


def test_the_report_and_the_restore_points_are_private(host: Any) -> None:
    state = host.file(str(STACK.state / STACK.name))
    assert (state.mode, state.user) == (0o700, host.user().name)
    reports = host.file(str(STACK.state / STACK.name / "reports")).listdir()
    assert len([name for name in reports if name.endswith(".html")]) == 1
    assert len(STACK.points(OLD)) == len(STACK.points("before-")) == 1
