# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_alerts
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_PATH = "/api/v2/alerts?active=true&silenced=false&inhibited=false"


def _values(site: Any, **changes: Any) -> dict[str, Any]:
    return {"alerts": ["critical"], "alertmanager": site.url, "headers": {}, "timeout": 5.0, **changes}


def test_only_alerts_of_the_severities_count(site: Any) -> None:
    site.answers[_PATH] = (200, b'[{"labels": {"alertname": "Disk", "severity": "warning"}}, {"labels": {}}]')
    assert _check_alerts.look(_values(site), None).ok  # type: ignore[arg-type]
    found = _check_alerts.look(_values(site, alerts=["critical", "warning"]), None)  # type: ignore[arg-type]
    assert (found.ok, found.found) == (False, "Disk (warning)")


def test_another_server_is_not_taken_for_one_without_alerts(site: Any) -> None:
    site.answers[_PATH] = (200, b'{"status": "ok"}')
    with pytest.raises(RollbackError, match="not answer as Alertmanager"):
        _check_alerts.look(_values(site), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"), [({"alertmanager": None}, "no alertmanager"), ({"alerts": []}, "empty")]
)
def test_what_cannot_be_is_refused(build: Any, site: Any, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(RollbackError, match=expected):
        _check_alerts.refuse(_values(site, **changes), "checks[0]", build.stack())
