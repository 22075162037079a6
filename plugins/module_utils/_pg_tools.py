# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_dump and pg_restore: the host's where they are the server's release, else those of the server's own image."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import shutil
import subprocess  # nosec B404  # arguments are a list, and none goes through a shell
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _command
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Server

LABEL = "tiered.rollback.client"
_DEBIAN = Path("/usr/lib/postgresql")
_TICK = 0.5
_TAIL = 15


def host_tools() -> dict[int, Path]:
    """Return the directories of the host's client tools by major release."""
    found: dict[int, Path] = {}
    on_path = shutil.which("pg_restore")
    # Debian's pg_restore on PATH is a wrapper that chooses a release itself, so the real ones come first.
    candidates = [*_DEBIAN.glob("*/bin"), *([Path(on_path).parent] if on_path else [])]
    for directory in candidates:
        if all((directory / tool).exists() for tool in ("pg_dump", "pg_restore")):
            version = _command.run([str(directory / "pg_restore"), "--version"])
            if match := re.search(r" (\d+)[.\w]*", version):
                found.setdefault(int(match[1]), directory)
    return found


class Tools:
    """The client tools for one server.

    Tools of a newer release than the server's write archives that the server's own cannot read, and send settings the
    server does not know; so the host's are used only where they are of the same release, or there is no container.

    :param settings: options for the tools' sessions on the server, such as ``-c work_mem=64MB``.
    """

    def __init__(self, server: Server, major: int, settings: str = "") -> None:
        self._server = server
        self._settings = settings
        self._container: Container | None = server.container()
        self._host: Path | None = None
        at_hand = host_tools()
        newer = sorted(release for release in at_hand if release >= major)
        if newer and (newer[0] == major or self._container is None):
            self._host = at_hand[newer[0]]
        elif self._container is None:
            raise RollbackError(
                f"the host has no pg_dump and pg_restore of release {major} or newer",
                f"Install postgresql-client-{major} on the target host, or name the server's container.",
            )

    def run(self, tool: str, options: Sequence[str], directory: Path, watch: Callable[[str | None], None]) -> None:
        """Run a tool to its end.

        :param directory: the one the tool reads or writes; in a container it has the same path.
        :param watch: called with each line the tool says, and with None now and then.
        :raises RollbackError: with the last lines it said.
        """
        environment = self._server.environment(self._settings)
        name = self._client_name(tool)
        if self._container is not None and self._host is None:
            argv = self._one_off(self._container, tool, name, options, directory)
        else:
            argv = [str(self._host / tool) if self._host else tool, *options]
        # A one-off of a run that was killed still works on the same files.
        self._remove_client(name)
        process = subprocess.Popen(  # nosec B603  # no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=0o077,
            env={**os.environ, **environment},
        )
        try:
            said = _listen(process, watch)
        except BaseException:
            process.kill()
            process.wait()
            self._remove_client(name)
            raise
        if process.returncode != 0:
            text = "\n".join(said)
            if self._server.description.password:
                text = text.replace(self._server.description.password, "***")
            raise RollbackError(
                f"{tool} failed ({process.returncode}): {text[-1500:]}", "See the server's log for more."
            )

    def _one_off(
        self, container: Container, tool: str, name: str, options: Sequence[str], directory: Path
    ) -> list[str]:
        said = self._server.description
        # With an address of the user's the host's network is the one in which it is known to mean the server.
        network = "host" if said.host or self._server.by_service else f"container:{container.id}"
        argv = ["docker", "run", "--rm", "--name", name, "--label", f"{LABEL}={said.database}", "--network", network]
        # What it writes belongs to whoever runs this, as what the host's tools write.
        argv += ["--user", f"{os.geteuid()}:{os.getegid()}"]
        argv += ["--mount", f"type=bind,source={directory},target={directory}"]
        for path in filter(None, (said.passfile, said.service_file)):
            argv += ["--mount", f"type=bind,source={path},target={path},readonly"]
        for variable in self._server.environment():
            argv += ["--env", variable]
        return [*argv, "--entrypoint", tool, container.image_id, *options]

    def _client_name(self, tool: str) -> str:
        where = f"{self._container.id if self._container else ''}\0{self._server.description.database}"
        return f"tiered-rollback-{tool}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"

    def _remove_client(self, name: str) -> None:
        if self._host is None and self._server.engine is not None:
            self._server.engine.remove(name)


def _listen(process: subprocess.Popen[str], watch: Callable[[str | None], None]) -> list[str]:
    """Hand on what a process says until it ends; return its last lines."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stderr or ():
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=_TICK)
        except queue.Empty:
            watch(None)
            continue
        if line is None:
            process.wait()
            return said
        said = [*said[1 - _TAIL :], line]
        watch(line)
