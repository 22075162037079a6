# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests on a real engine share: an application in several versions, stacks made of it, playbook runs.

Used by tests/integration, the Molecule scenarios, tests/faults and the benchmarks. Everything made here carries
the label ``tiered.rollback.test`` and is removed by it; nothing else is ever removed.
"""
