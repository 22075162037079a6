# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stateful GitHub on 127.0.0.1, whose git side is a real bare repository."""

from __future__ import annotations

from .exchange import Exchange
from .runs import Job, Outcome, Run
from .server import FakeGitHub

__all__ = ["Exchange", "FakeGitHub", "Job", "Outcome", "Run"]
