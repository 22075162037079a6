# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a data directory, and the way back to one of them, behind a small HTTP API."""

from __future__ import annotations

__version__ = "1.0.0"
