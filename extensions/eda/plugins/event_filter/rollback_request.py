# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event from outside asks for, and nothing else of it; whatever is malformed is dropped, and said.

Ansible evaluates ``{{ lookup('pipe', 'id') }}`` inside an extra variable on the controller, so nothing leaves this
filter but words that match a strict pattern in full. It needs no package but the standard library's.
"""

from __future__ import annotations

import logging
import re
from typing import Any

DOCUMENTATION = r"""
---
short_description: Turn alerts, deployment statuses and failing URLs into requests for a rollback.
description:
  - Returns an event per stack with C(rollback), a dictionary of C(stack), C(source), C(severity), C(issue) and, where
    they are known, C(service), C(version) and C(environment). Of several alerts about one stack the most severe counts.
  - Every value must match a strict pattern. What lacks one that is required, or has a malformed one, is dropped and
    logged. What asks for nothing (an alert that is resolved, a deployment that succeeds) is dropped without a word.
  - Nothing else of the event is kept, headers of the request included.
options:
  source:
    description: Who sent it, which says where in it the values are.
    type: str
    choices: [url_health, alertmanager, github_deployment]
    required: true
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5000
    token: "{{ webhook_token }}"
  filters:
    - tiered.rollback.rollback_request:
        source: alertmanager
"""

logger = logging.getLogger(__name__)

#: The most urgent first.
_SEVERITIES = ("P0", "critical", "P1", "high", "P2", "medium", "low")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"
_PATTERNS = {
    "stack": re.compile(r"[a-z0-9][a-z0-9_-]{0,62}"),
    "severity": re.compile("|".join(_SEVERITIES)),
    "issue": re.compile(r"[a-z][a-z0-9_]{0,59}"),
    "service": re.compile(_NAME),
    "version": re.compile(_NAME),
    "environment": re.compile(_NAME),
}
_REQUIRED = ("stack", "severity", "issue")
#: A deployment that failed is as urgent as what its health check would say.
_FAILED_DEPLOYMENT = {"severity": "high", "issue": "health_check_failure"}
#: More alerts than this in one message are no list that anybody configured.
_MOST = 100


def main(event: dict[str, Any], source: str = "") -> list[dict[str, Any]]:
    """Return the requests that an event holds; none where it is refused."""
    if source not in _READERS:
        raise ValueError(f"rollback_request: source must be one of {', '.join(_READERS)}, not {source!r:.60}")
    try:
        found = [_checked(raw) for raw in _READERS[source](event)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("refused an event of %s: it has not the form that %s sends (%r)", source, source, error)
        return []
    best: dict[str, dict[str, str]] = {}
    for request, problems in found:
        if problems:
            logger.warning("refused an event of %s: %s", source, "; ".join(problems))
        elif request["stack"] not in best or _rank(request) < _rank(best[request["stack"]]):
            best[request["stack"]] = request
    return [{"rollback": {**request, "source": source}} for request in best.values()]


def _rank(request: dict[str, str]) -> int:
    return _SEVERITIES.index(request["severity"])


def _checked(raw: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return what of the values is known and well-formed, and what is wrong with the others."""
    found, problems = {}, []
    for name, pattern in _PATTERNS.items():
        value = raw.get(name)
        if value is None or value == "":
            if name in _REQUIRED:
                problems.append(f"{name} is missing")
        elif isinstance(value, str) and pattern.fullmatch(value):
            found[name] = value
        else:
            # As a literal: what it holds can neither begin a line of the log nor be read as anything.
            problems.append(f"{name} is malformed: {value!r:.80}")
    return found, problems


def _alerts(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Read what Alertmanager's webhook sends (version 4)."""
    alerts = event["payload"]["alerts"]
    if not isinstance(alerts, list) or len(alerts) > _MOST:
        raise TypeError("alerts")
    return [dict(alert["labels"]) for alert in alerts if alert["status"] == "firing"]


def _deployment(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Read GitHub's event ``deployment_status``: only one that failed asks for anything.

    The stack is the one that the deployment's payload names, else the repository's name.
    """
    payload = event["payload"]
    if "deployment_status" not in payload or payload["deployment_status"]["state"] not in ("failure", "error"):
        return []
    deployment = payload["deployment"]
    stated = deployment.get("payload")
    stated = stated if isinstance(stated, dict) else {}
    given = {name: stated.get(name) for name in ("stack", "service", "version")}
    given["stack"] = given["stack"] or payload["repository"]["name"].lower()
    return [{**_FAILED_DEPLOYMENT, **given, "environment": deployment["environment"]}]


def _health(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Read what the event source ``url_health`` sends."""
    return [dict(event["url_health"])]


_READERS = {"url_health": _health, "alertmanager": _alerts, "github_deployment": _deployment}
