# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.tiered.rollback.plugins.lookup.awx_wanted import LookupModule

LEAST = {"project": {"url": "git@git.example.com:rollback.git"}, "execution_environment": {"image": "ee:1"}}


def test_the_playbooks_of_the_collection_are_what_is_wanted() -> None:
    (found,) = LookupModule().run([LEAST])
    assert {"tier1-emergency", "drill", "status"} <= {each["name"] for each in found["job_templates"]}
    assert found["project"]["url"] == "git@git.example.com:rollback.git"


def test_what_is_wrong_is_said_with_what_to_do() -> None:
    with pytest.raises(AnsibleLookupError, match=r"missing required arguments: .*\nHINT: Known keys"):
        LookupModule().run([{}])
