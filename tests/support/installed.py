# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users have it: built as an archive, and installed where nothing of the checkout is."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.tests.support import engine, tree
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

#: Debian 13: a Python that supports the newest ansible-core, and a glibc of 2.41.
_IMAGE = "tiered-rollback/base:trixie"
_GLIBC = 41
_PYTHON = "3.13"


def check_out(into: Path) -> None:
    """Copy the files that git knows, as they are now."""
    for name in tree.kept():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, into / name, follow_symlinks=False)


def build(directory: Path) -> Path:
    """Build the archive."""
    check_out(directory / "source")
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", "build"]
    subprocess.run([*galaxy, "--output-path", ".", "source"], check=True, capture_output=True, cwd=directory)
    (archive,) = directory.glob("*.tar.gz")
    return archive


@dataclass(frozen=True)
class Controller:
    """A machine with ansible-core.

    :param home: its user's empty home; commands run there.
    :param programs: the folder of ``ansible-playbook`` and its like.
    :param prefix: what a command begins with, to be run on that machine.
    """

    home: Path
    programs: Path
    prefix: tuple[str, ...] = ()

    @property
    def collections(self) -> Path:
        """The only folder in which Ansible looks for collections."""
        return self.home / "collections"

    def call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs to its end, in an environment that holds nothing of this one's."""
        variables = {
            "HOME": self.home,
            "PATH": f"{self.programs}:{os.defpath}:/usr/local/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_NOCOLOR": 1,
            # As in every other test; see environment() of playbook.py.
            "ANSIBLE_INJECT_FACT_VARS": "false",
        }
        clean = ["env", "-i", "-C", str(self.home), *(f"{name}={value}" for name, value in variables.items())]
        return subprocess.run(
            [*self.prefix, *clean, program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, archive: Path) -> None:
        """Install the collection as its README says, without a server to ask."""
        arguments = ["collection", "install", str(archive), "--offline", "-p", str(self.collections)]
        done = self.call("ansible-galaxy", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def newest(directory: Path, shared: Path) -> Iterator[Controller]:
    """The newest ansible-core on Debian 13, in a container.

    :param directory: an empty one, where it is installed.
    :param shared: a directory that it sees as this machine does, with all stacks below; so are engine and network.
    """
    _base_image()
    packages, home = directory / "packages", directory / "home"
    _download(packages)
    home.mkdir()
    socket = engine.docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}").removeprefix("unix://")
    mounts = [f"--volume={shared}:{shared}", f"--volume={socket}:/var/run/docker.sock"]
    label = f"{engine.LABEL}={directory.name}-newest"
    container = engine.docker(
        "run", "-d", "--init", "--network=host", f"--label={label}", *mounts, _IMAGE, "sleep", "1h"
    )
    try:
        prefix = ("docker", "exec", container)
        venv = directory / "venv"
        for command in (
            ["python3", "-m", "venv", str(venv)],
            [f"{venv}/bin/pip", "install", "-q", "--no-index", f"--find-links={packages}", *_requirements()],
        ):
            subprocess.run([*prefix, *command], check=True, capture_output=True)
        yield Controller(home, venv / "bin", prefix)
    finally:
        engine.docker("rm", "-f", container)


def _requirements() -> list[str]:
    """The collection's own, but for the pin of an ansible-core that Python 3.11 can have."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return ["ansible-core", *(line for line in lines if line[:1] != "#" and not line.startswith("ansible-core"))]


def _base_image() -> None:
    if engine.image_id(_IMAGE) is None and (os.geteuid() != 0 or shutil.which("apt-get") is None):
        pytest.skip(f"{_IMAGE} is not on this engine, and only root on Debian can build it: script/base-image trixie")
    subprocess.run([str(ROOT / "script/base-image"), "trixie"], check=True, capture_output=True)


def _download(into: Path) -> None:
    """Fetch the wheels by this machine's configuration of pip; the container knows none."""
    machine = platform.machine()
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, *range(24, _GLIBC + 1))]
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", f"--python-version={_PYTHON}"]
    arguments = [*platforms, "--platform=any", f"--dest={into}", *_requirements()]
    subprocess.run([*command, *arguments], check=True, capture_output=True)
