# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's ``gh``, which takes the fake for GitHub."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub


def environment(home: Path, github: FakeGitHub, repository: str, token: str) -> dict[str, str]:
    """The environment of ``gh`` for a repository; it reaches the fake as its proxy."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GH_CONFIG_DIR": str(home / "gh"),
        # It keeps logs of runs there, and nowhere else that can be said.
        "TMPDIR": str(home),
        "GH_HOST": "github.localhost",
        "GH_TOKEN": token,
        "GH_REPO": f"github.localhost/{repository}",
        "GH_PROMPT_DISABLED": "1",
        "GH_NO_UPDATE_NOTIFIER": "1",
        "http_proxy": github.url,
    }
