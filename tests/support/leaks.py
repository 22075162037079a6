# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a secret of the tests got anywhere: every one of them holds one word, which is looked for everywhere."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_collections.tiered.rollback.tests.support import engine, processes

MARKER = "hunter2"
#: As text, and as what a login is sent as, at each of the places that Base64 can begin at.
_FORMS = (
    MARKER.encode(),
    *(base64.b64encode(b" " * begin + MARKER.encode())[4 if begin else 0 : -4] for begin in range(3)),
)
_Allowed = dict[str, Callable[[Path], bool]]

#: What of a state directory may hold it, each for its reason.
ALLOWED_FILES: _Allowed = {
    "a restore point holds the configuration as it was, which is the user's own": lambda path: (
        "restore_points" in path.parts and ("files" in path.parts or path.name == "compose.json")
    ),
    "so does a backup of the configuration": lambda path: "config" in path.parts,
    "a copy of a database holds its rows, and rights that name servers": lambda path: "databases" in path.parts,
    "peelback's container reads its token from a file": lambda path: (
        path.parts[-3:-2] == ("peelback",) and path.name == "token"
    ),
    "a staging copy runs with the production's own Compose file, and is removed with it": lambda path: (
        "drill" in path.parts
    ),
}
#: Command lines of launches by tests, which may hold it, forks included: what a test gives, it wrote there itself.
_LAUNCHES = ("ansible-playbook ", "ansible localhost ")
#: Command lines of the tests themselves: what they start is their own, and so is what that starts for them.
_TESTS = ("pytest", "sys.stdin.readline")
_EVERY = 0.2
#: A process is looked at so often: what was just started may not be yet what it becomes.
_LOOKS = 3


def holds(data: bytes | str) -> bool:
    """Whether some bytes, or a text, hold a secret of the tests."""
    found = data if isinstance(data, bytes) else data.encode(errors="surrogateescape")
    return any(form in found for form in _FORMS)


def refuse(output: str) -> None:
    """Fail where an output holds one, with the lines that do."""
    if found := [line[:400] for line in output.splitlines() if holds(line)]:
        raise AssertionError("it printed a secret: " + "; ".join(found))


def files(state: Path) -> list[str]:
    """Name the files of a state directory that hold one and have no reason to."""
    found = (path for path in sorted(state.rglob("*")) if path.is_file() and not path.is_symlink())
    return [str(path) for path in found if not any(may(path) for may in ALLOWED_FILES.values()) and holds(_read(path))]


def containers(label: str) -> list[str]:
    """Name the containers with a label, which our own code made, whose description holds one."""
    ids = engine.docker("ps", "-aq", "--filter", f"label={label}").split()
    return [each["Name"] for each in engine.inspect("container", *ids) if holds(json.dumps(each))]


def _read(path: Path) -> bytes:
    # A socket, or what went away meanwhile, holds none.
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Processes:
    """Looks at the command lines of all processes of this machine while the block runs, but for other runs of tests.

    :param own: a process of this run of tests.
    :ivar found: those that hold a secret and have no reason to.
    """

    def __init__(self, proc: Path = Path("/proc"), own: int | None = None) -> None:
        self.found: list[str] = []
        self._proc = proc
        self._session = self._tests_above(str(own or os.getpid()))
        self._looks: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Look once at what has not been looked at often enough."""
        present = {entry.name for entry in self._proc.iterdir() if entry.name.isdigit()}
        self._looks = {name: count for name, count in self._looks.items() if name in present}
        for name in present:
            if self._looks.setdefault(name, 0) < _LOOKS:
                self._looks[name] += 1
                command = self._command(name)
                if holds(command) and not self._of_a_test(name, command) and not self._of_others(name):
                    self.found.append(command[:400])

    def _command(self, name: str) -> str:
        return _read(self._proc / name / "cmdline").replace(b"\0", b" ").decode(errors="replace")

    def _of_a_test(self, name: str, command: str) -> bool:
        """Whether a test wrote the command line: not what the collection made of it, which Ansible starts."""
        if any(launch in command for launch in _LAUNCHES):
            return True
        parent = self._parent(name)
        above = self._command(parent) if parent else ""
        if any(test in above for test in _TESTS):
            return True
        # git starts a helper with the URL that it has read from a clone's settings.
        passed_on = holds(above) or above.startswith("git ")
        return passed_on and not any(launch in above for launch in _LAUNCHES) and self._of_a_test(parent, above)

    def _of_others(self, name: str) -> bool:
        """Whether another run of tests, which somebody has started beside this one, stands above a process."""
        return self._tests_above(name) not in ("", self._session)

    def _tests_above(self, name: str) -> str:
        """The uppermost process above one, or it itself, that runs tests; empty where there is none."""
        found = ""
        while name:
            if _TESTS[0] in self._command(name):
                found = name
            name = self._parent(name)
        return found

    def _parent(self, name: str) -> str:
        stat = _read(self._proc / name / "stat").decode(errors="replace")
        return str(processes.parent(stat)) if stat else ""

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self.look()


def state_directories(below: Path) -> Iterator[Path]:
    """Yield the state directories that a session's tests have left."""
    yield from below.glob("*/state")
    yield from below.glob("*/*/state")
