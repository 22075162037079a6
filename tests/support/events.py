# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook, Prometheus and Alertmanager with the configuration that the collection ships."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.tiered.rollback.tests.support import engine, monitoring, playbook, web
from ansible_collections.tiered.rollback.tests.support.images import BASE
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT
from ansible_collections.tiered.rollback.tests.support.processes import kill_children
from ansible_collections.tiered.rollback.tests.support.stack import Stack, free_port

EDA = ROOT / "extensions/eda"
_VENV = ROOT / ".cache/rulebook-venv"
_BEGAN = "TASK [Check what was given at launch]"


def install() -> None:
    """Make the environment of ansible-rulebook, where it is not there yet."""
    subprocess.run(["bash", "-c", '. "$0/script/lib.sh"; rulebook_venv', str(ROOT)], check=True)


def poll(ready: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not _quiet(ready):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _quiet(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except (OSError, ValueError, KeyError):
        return False


def post(url: str, body: Any, headers: Mapping[str, str]) -> int:
    """Post JSON and return the status."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def alerts(*labels: Mapping[str, str], status: str = "firing") -> dict[str, Any]:
    """Return what Alertmanager posts about some alerts."""
    entries = [{"status": status, "labels": dict(each), "annotations": {}} for each in labels]
    return {"version": "4", "status": status, "receiver": "rollback", "alerts": entries}


class Processes:
    """Long-running commands below a directory, each with its log; all are ended together."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Path:
        """Start a command, and return the path of its log, which one that was killed has begun."""
        log = self.directory / f"{name}.log"
        with log.open("ab") as output:
            started = subprocess.Popen(
                command, cwd=self.directory, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self._running[name] = started
        return log

    def kill(self, name: str) -> None:
        """Kill what a script has started, by signal 9, and wait for the script to clean up."""
        script = self._running.pop(name)
        kill_children(script.pid)
        script.wait(timeout=15)

    def stop(self) -> None:
        """End them, by force what does not end by itself."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=15)


class Rulebook:
    """Every rulebook of the collection in one process, for some stacks."""

    def __init__(self, processes: Processes, stacks: Sequence[Stack], **variables: Any) -> None:
        self.token, self.secret = secrets.token_hex(16), secrets.token_hex(16)
        self.alertmanager_port, self.github_port = free_port(), free_port()
        directory = processes.directory
        hosts: dict[str, Any] = {}
        for stack in stacks:
            stack.write_inventory()
            hosts |= yaml.safe_load(stack.inventory.read_text())["all"]["hosts"]
        (directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}, sort_keys=False))
        given = {
            "alertmanager_port": self.alertmanager_port,
            "alertmanager_token": self.token,
            "github_port": self.github_port,
            "github_secret": self.secret,
            "github_environment": "production",
            **variables,
        }
        (directory / "vars.yml").write_text(yaml.safe_dump(given))
        env = playbook.environment(directory / "home")
        env["PATH"] = f"{env['PATH']}{os.pathsep}{_VENV / 'bin'}"
        del env["ANSIBLE_STDOUT_CALLBACK"]
        env.pop("ANSIBLE_COLLECTIONS_PATH", None)
        files = ["--inventory", str(directory / "inventory.yml"), "--vars", str(directory / "vars.yml")]
        rulebooks = ["health", "alertmanager", "github_deployment"]
        self._processes, self._command, self._env = processes, [str(EDA / "serve"), *files, *rulebooks], env
        self._log = self.start()

    def start(self) -> Path:
        """Start it, again where it was killed; return the path of its log."""
        return self._processes.start("rulebook", self._command, self._env)

    def kill(self) -> None:
        """Kill it, Java and a playbook that it runs included."""
        self._processes.kill("rulebook")

    @property
    def log(self) -> str:
        """All that it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def runs(self) -> int:
        """How many playbooks it has begun."""
        return self.log.count(_BEGAN)

    @property
    def ended(self) -> int:
        """How many have come to their end."""
        return self.log.count("PLAY RECAP")

    def ready(self) -> bool:
        """Whether both webhooks listen."""
        for port in (self.alertmanager_port, self.github_port):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True

    def alert(self, body: Any, token: str | None = None) -> int:
        """Post as Alertmanager does, and return the status."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return post(f"http://127.0.0.1:{self.alertmanager_port}/alertmanager", body, headers)

    def deployment(self, body: Any, headers: Mapping[str, str]) -> int:
        """Post as GitHub does, and return the status."""
        return post(f"http://127.0.0.1:{self.github_port}/github", body, headers)


class Alerting:
    """Prometheus and Alertmanager with the shipped rules and routes, at intervals of a second."""

    def __init__(self, processes: Processes, stack: Stack, exporter: str, rulebook: Rulebook) -> None:
        directory = processes.directory
        monitoring.unpack(directory)
        self._alertmanager = f"127.0.0.1:{free_port()}"
        self._prometheus = f"127.0.0.1:{free_port()}"
        # Of the shipped files nothing but times and addresses is changed.
        rules = (EDA / "prometheus/rules.yml").read_text()
        (directory / "rules.yml").write_text(re.sub(r"for: \d+[sm]", "for: 1s", rules))
        routes = (EDA / "prometheus/alertmanager.yml").read_text()
        routes = re.sub(r"(group_wait|group_interval): \d+s", r"\1: 1s", routes)
        (directory / "token").write_text(rulebook.token)
        routes = routes.replace("127.0.0.1:5000", f"127.0.0.1:{rulebook.alertmanager_port}")
        routes = routes.replace("/etc/prometheus/rollback_token", str(directory / "token"))
        (directory / "alertmanager.yml").write_text(routes)
        target = {"targets": [exporter], "labels": {"stack": stack.name, "service": "api"}}
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]},
            "scrape_configs": [{"job_name": "probe", "static_configs": [target]}],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        programs = directory / "usr/bin"
        # It reads templates below /usr/share; Debian's base image and the network of the host are all that it needs.
        mounts = [f"{directory}:{directory}:ro", f"{directory / 'usr'}/share/prometheus:/usr/share/prometheus:ro"]
        options = ["--config.file=alertmanager.yml", "--cluster.listen-address=", "--storage.path=/tmp/am"]
        engine.docker(
            "run", "-d", "--network", "host", "--label", f"{engine.LABEL}={stack.project}", "--workdir", str(directory),
            *[part for mount in mounts for part in ("-v", mount)],
            BASE, str(programs / "prometheus-alertmanager"), *options, f"--web.listen-address={self._alertmanager}",
        )  # fmt: skip
        options = ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]
        listen = f"--web.listen-address={self._prometheus}"
        processes.start("prometheus", [str(programs / "prometheus"), *options, listen])

    def measured(self) -> bool:
        """Whether Prometheus has a figure of the stack, and Alertmanager answers."""
        self.firing()
        found = self._ask(f"http://{self._prometheus}/api/v1/query?query=probe_success")
        return bool(found["data"]["result"])

    def firing(self) -> list[str]:
        """Return the names of the alerts that are active at Alertmanager."""
        found = self._ask(f"http://{self._alertmanager}/api/v2/alerts?active=true")
        return sorted(alert["labels"]["alertname"] for alert in found)

    @staticmethod
    def _ask(url: str) -> Any:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)


@contextmanager
def probing(stack: Stack) -> Iterator[str]:
    """Serve whether the stack answers, as blackbox_exporter does; yields the address."""

    class Handler(web.Handler):
        def do_GET(self) -> None:
            try:
                well = stack.ask("/api/status").status == 200
            except OSError:
                well = False
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(f"probe_success {int(well)}\n".encode())

    with web.serving(Handler) as server:
        yield f"127.0.0.1:{server.server_port}"
