# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict


def test_a_verdict_is_json_with_every_field() -> None:
    verdict = Verdict(name="front", kind="url", ok=False, expected="status 200", found="status 500", figures={"p50": 1})
    told = json.loads(json.dumps(verdict.to_dict()))
    assert Verdict(**told) == verdict
