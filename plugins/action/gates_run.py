# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of ``tiered.rollback.gates_run``: tells each gate as it ends."""

from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils import _journal
from ansible_collections.tiered.rollback.plugins.plugin_utils._watched import WatchedAction


class ActionModule(WatchedAction):
    """Action plugin of ``tiered.rollback.gates_run``."""

    MODULE = "tiered.rollback.gates_run"
    JOURNAL = _journal.GATES
