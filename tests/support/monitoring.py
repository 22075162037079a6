# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and Alertmanager from Debian's packages, each in a container."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import BASE
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT
from ansible_collections.tiered.rollback.tests.support.stack import free_port

_PACKAGES = ("prometheus", "prometheus-alertmanager")
_DEBS = ROOT / ".cache/debs"
_PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - {job_name: itself, static_configs: [{targets: ["127.0.0.1:9090"]}]}
  - {job_name: gone, static_configs: [{targets: ["127.0.0.1:1"]}]}
"""
_ALERTMANAGER = "{route: {receiver: nobody}, receivers: [{name: nobody}]}\n"


def unpack(directory: Path) -> None:
    """Put the files of both packages below a directory, ``usr/bin/prometheus`` among them."""
    for package in _PACKAGES:
        subprocess.run(["dpkg-deb", "-x", str(_fetched(package)), directory], check=True)


def promtool(directory: Path) -> Path:
    """Take Prometheus' own checker out of Debian's package."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(_fetched("prometheus"))], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "-C", directory, "./usr/bin/promtool"], stdin=files.stdout, check=True)
    return directory / "usr/bin/promtool"


def _fetched(package: str) -> Path:
    _DEBS.mkdir(parents=True, exist_ok=True)
    if not list(_DEBS.glob(f"{package}_*.deb")):
        # Into a folder of its own first: two test processes may do the same.
        with tempfile.TemporaryDirectory(dir=_DEBS) as own:
            subprocess.run(["apt-get", "download", "-qq", package], cwd=own, check=True)
            for found in Path(own).glob("*.deb"):
                found.rename(_DEBS / found.name)
    return next(_DEBS.glob(f"{package}_*.deb"))


class Monitoring:
    """A Prometheus that scrapes itself and a target that is not there, and an Alertmanager without alerts."""

    def __init__(self, session: str, directory: Path) -> None:
        self._session = session
        self._directory = directory
        self._image = f"tiered-rollback-test/{session}/monitoring:1"
        ports = free_port(), free_port()
        self.prometheus, self.alertmanager = (f"http://127.0.0.1:{port}" for port in ports)
        self._ports = ports

    def start(self) -> None:
        """Build the image, start both, and wait until each has looked around."""
        self._build()
        (self._directory / "prometheus.yml").write_text(_PROMETHEUS)
        (self._directory / "alertmanager.yml").write_text(_ALERTMANAGER)
        self._run(9090, self._ports[0], "prometheus", "--config.file=/etc/monitoring/prometheus.yml")
        # Without the cluster that it would look for an address for.
        options = ["--config.file=/etc/monitoring/alertmanager.yml", "--cluster.listen-address="]
        self._run(9093, self._ports[1], "prometheus-alertmanager", *options)
        self._wait(lambda: len(self._ask(f"{self.prometheus}/api/v1/query?query=up")["data"]["result"]) == 2)
        self._wait(lambda: self._ask(f"{self.alertmanager}/api/v2/alerts") == [])

    def stop(self) -> None:
        """Remove containers and image."""
        engine.remove_labelled(self._session)
        engine.untag([self._image])

    def fire(self, name: str, severity: str) -> None:
        """Report an alert, as Prometheus does."""
        body = json.dumps([{"labels": {"alertname": name, "severity": severity}}]).encode()
        request = urllib.request.Request(
            f"{self.alertmanager}/api/v2/alerts", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()
        self._wait(lambda: len(self._ask(f"{self.alertmanager}/api/v2/alerts")) > 0)

    def _build(self) -> None:
        unpack(self._directory)
        lines = [f"FROM {BASE}", f"LABEL {engine.LABEL}={self._session}"]
        lines += ["COPY usr/bin/prometheus* /usr/bin/", "COPY usr/share/prometheus /usr/share/prometheus"]
        (self._directory / "Dockerfile").write_text("\n".join(lines))
        engine.docker("build", "-q", "--network", "none", "-t", self._image, str(self._directory))

    def _run(self, inside: int, outside: int, *command: str) -> None:
        options = ["--label", f"{engine.LABEL}={self._session}", "-p", f"127.0.0.1:{outside}:{inside}", "--workdir"]
        mount = ["-v", f"{self._directory}:/etc/monitoring:ro"]
        engine.docker("run", "-d", *options, "/tmp", *mount, self._image, *command)

    @staticmethod
    def _ask(url: str) -> Any:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    @staticmethod
    def _wait(ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                if ready():
                    return
            except (OSError, urllib.error.URLError, ValueError):
                pass
            assert time.monotonic() < deadline
            time.sleep(0.1)
