# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that change a branch of a git remote."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes that these modules have in common."""

    DOCUMENTATION = r"""
options:
  repository:
    description:
      - URL of the remote, without user or password at HTTP. Or the path of a clone on the target, whose remote
        C(origin) is meant; how it gets in there (C(http), C(credential), C(url), C(core.sshCommand)) is used too.
      - The work is done in a temporary repository. A clone lends its objects, and is otherwise left alone.
    type: str
    required: true
  token:
    description:
      - Token for a remote at an HTTP URL. It is given to git by environment, and is on no command line and in no file.
      - It has to read and write contents, and at GitHub workflow files where such are changed.
    type: str
  author:
    description: Whose name and address new commits carry.
    type: str
    default: tiered.rollback <tiered.rollback@localhost>
  expect:
    description:
      - Hash that the branch must still have, or at least seven digits of it. Otherwise nothing is done.
      - With or without it the push happens only if the branch is where it was when the module began.
    type: str
requirements:
  - git >= 2.31 (on the target)
author:
  - The tiered.rollback authors (@tiered)
attributes:
  check_mode:
    description: Does everything but the push, and gives the same answer except for hashes of commits not made yet.
    support: full
  diff_mode:
    description: Shows the difference of the files, of a long one the beginning, of binary files the names.
    support: full
  idempotent:
    description: What is done already is left out; where that is everything, nothing changes.
    support: full
"""
