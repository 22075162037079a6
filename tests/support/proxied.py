# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application behind HAProxy, without a published port of its own, so that it can be started first."""

from __future__ import annotations

from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import BASE
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT
from ansible_collections.tiered.rollback.tests.support.stack import HEALTHCHECK, Stack


def compose(stack: Stack) -> None:
    """Write the Compose file and the proxy's configuration, which is the demo's."""
    stack.write("haproxy.cfg", (ROOT / "examples/demo/haproxy.cfg").read_text(encoding="utf-8"))
    proxy = {
        "image": BASE,
        "command": ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
        "labels": {engine.LABEL: stack.project},
        "stop_grace_period": "3s",
        "ports": [f"127.0.0.1:{stack.port}:8080"],
        "volumes": ["./haproxy.cfg:/etc/haproxy/haproxy.cfg:ro"],
        "depends_on": {"api": {"condition": "service_healthy"}},
        "healthcheck": {**HEALTHCHECK, "test": ["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080"]},
    }
    stack.compose({"api": stack.service(), "proxy": proxy})
    stack.description["config"] = ["compose.yml", "haproxy.cfg"]
