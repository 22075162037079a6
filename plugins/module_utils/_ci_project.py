# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project that runs tests, under a name of its own: what it makes is known by that name, and removed."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _command, _compose, _files
from ansible_collections.tiered.rollback.plugins.module_utils._command import CommandError
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Says of a container which project of this kind made it.
LABEL = "tiered.rollback.ci"

_ENGINE_HINT = "Start the Docker engine of this host, or run as a user who may reach it; DOCKER_HOST names another one."


class CiProject:
    """The service of a Compose file that runs the tests.

    :param directory: the checkout.
    :param file: the Compose file, relative to it.
    """

    def __init__(self, directory: str, file: str, service: str) -> None:
        self.name = f"tiered-rollback-ci-{_files.sha256(os.path.realpath(directory).encode())[:10]}"
        self._directory = directory
        self._service = service
        self._base = ["docker", "compose", "--progress", "plain", "-f", file, "-p", self.name]

    def engine(self) -> str:
        """Return the engine's release."""
        argv = ["docker", "version", "--format", "{{.Server.Version}}"]
        return _command.run(argv, timeout=20, hint=_ENGINE_HINT).strip()

    def compose(self) -> str:
        """Return the release of Compose."""
        hint = "Install Docker Compose 2.20 or newer, as the plugin of the docker command."
        return _command.run(["docker", "compose", "version", "--short"], hint=hint).strip()

    def buildx(self) -> str:
        """Return the release of buildx."""
        hint = "Install buildx, as the plugin of the docker command: Compose builds with it."
        return _command.run(["docker", "buildx", "version"], hint=hint).split()[1]

    def services(self) -> list[str]:
        """Return the names of all services; raises where the file is not valid or has no such service."""
        hint = "Correct the Compose file."
        rendered = json.loads(self._run("--profile", "*", "config", "--format", "json", hint=hint))
        names = sorted(rendered.get("services") or {})
        if self._service not in names:
            raise RollbackError(
                f"the Compose file has no service {self._service}", f"It has: {', '.join(names) or 'none'}."
            )
        return names

    def build(self, *, cache: bool, timeout: float) -> None:
        """Build the images that the tests need."""
        options = [] if cache else ["--no-cache"]
        hint = "Correct the Dockerfile, or what it said."
        self._run("build", *options, "--with-dependencies", self._service, timeout=timeout, hint=hint)

    def test(self, services: Sequence[str], timeout: float) -> int:
        """Run the tests and return their exit code. What they print may hold secrets, and is not kept."""
        with tempfile.TemporaryDirectory() as scratch:
            labels = Path(scratch, "labels.json")
            labelled = {name: {"labels": {LABEL: self.name}} for name in services}
            labels.write_text(json.dumps({"services": labelled}), encoding="utf-8")
            try:
                self._run("-f", str(labels), "run", "--rm", "--no-TTY", self._service, timeout=timeout)
            except CommandError as error:
                return error.code
        return 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who works on the project, and find nothing of a run that was killed.

        :raises RollbackError: when another one is at it.
        """
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = f"{self._directory} is being validated already"
                raise RollbackError(message, "Wait for that run to end.") from error
            self.clean()
            yield
        finally:
            os.close(descriptor)

    def clean(self) -> None:
        """Remove the project's containers, networks, volumes and images."""
        # Without --volumes: it would remove one that has a name of its own, and may be another project's.
        self._run("down", "--remove-orphans", "--rmi", "local", "--timeout", "5", timeout=120)
        mine = ["--quiet", "--filter", f"label=com.docker.compose.project={self.name}"]
        # A build takes the name from the image of the build before it, and Compose knows of none without a name.
        for kind, options in (("volume", mine), ("image", [*mine, "--filter", "dangling=true"])):
            if found := set(_command.run(["docker", kind, "ls", *options]).split()):
                _command.run(["docker", kind, "rm", *sorted(found)])

    def _run(self, *arguments: str, timeout: float = 60, hint: str = "") -> str:
        return _compose.run([*self._base, *arguments], self._directory, timeout=timeout, hint=hint)
