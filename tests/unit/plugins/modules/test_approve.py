# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.tiered.rollback.plugins.modules import approve


def test_the_module_only_documents_the_action_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({"launch": {}, "name": "alice", "seconds": 1}), pytest.raises(SystemExit) as caught:
        approve.main()
    assert caught.value.code == 1
    assert "runs on the controller" in json.loads(capsys.readouterr().out)["msg"]
