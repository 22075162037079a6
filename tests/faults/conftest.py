# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same stacks as the integration tests'."""

from ansible_collections.tiered.rollback.tests.integration.conftest import images, make_stack

__all__ = ["images", "make_stack"]
