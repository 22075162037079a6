# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX 24.6.1: as much of its API as awx.awx uses, with its rules, and jobs that end at once.

No live AWX could be had to write it by. Its rules come from AWX's own source and from what is known of its behaviour;
awx.awx itself, its published client, works on it unchanged.
"""

from ansible_collections.tiered.rollback.tests.support.awx.server import Awx, User

__all__ = ["Awx", "User"]
