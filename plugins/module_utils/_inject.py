# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault is put into a staging copy; the plan says which, and into what."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _checks,
    _command,
    _faults,
    _files,
    _journal,
    _proc,
    _staging,
    _staging_project,
)
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._probe import Prober
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

#: What is known of the fault once it is in.
NOTE = "fault.json"
#: How long the copy is asked while all is well, so that the load has begun before the fault.
_BEFORE = 0.5
_POLL = 0.2
_DELAY = "400ms"
_MIGRATION_TIMEOUT = 30
_STOP_TIMEOUT = 300
_BLOCK = 1 << 16


def latency_problem() -> str:
    """Say why packets cannot be held back on this machine; empty where they can.

    Found out by doing it, in a network of its own that is gone at once.
    """
    if missing := [tool for tool in ("tc", "unshare", "nsenter") if shutil.which(tool) is None]:
        return f"{', '.join(missing)} is not installed"
    try:
        _command.run(
            ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], timeout=10
        )
    except RollbackError:
        return "the kernel has no netem (module sch_netem)"
    return ""


def inject(plan: Mapping[str, Any], stack: Stack, engine: Engine, notice: float) -> dict[str, Any]:
    """Put the copy under load, deploy what is rolled back from, inject the fault, and wait until it is noticed.

    :param notice: seconds that it is given for that; a fault that nothing notices is an answer too.
    """
    _staging.refuse_strange(plan["name"])
    with Prober(stack.checks) as prober:
        time.sleep(_BEFORE if stack.checks else 0)
        _tag_release(plan, engine)
        _staging.release(plan)
        ill = _ill(plan, stack, engine)
        injected, begun = _journal.now(), time.monotonic()
        said = ill or _put(plan, stack, engine)
        noticed = ""
        while not noticed and time.monotonic() - begun < notice:
            noticed = _noticed(plan, stack, engine)
            if not noticed:
                time.sleep(_POLL)
        took = round(time.monotonic() - begun, 3)
    _staging.refuse_links_out(Path(plan["root"]))
    found = {
        "fault": plan["fault"],
        "service": plan["service"],
        "said": said,
        "injected": injected,
        "noticed": noticed or None,
        "noticed_after": took if noticed else None,
        "probe": prober.summary(),
    }
    _staging.write(Path(plan["root"]), NOTE, found)
    return found


def _ill(plan: Mapping[str, Any], stack: Stack, engine: Engine) -> str:
    """Wait until the release is well, and say so where it does not get well by itself: there is no better fault.

    :raises RollbackError: where it is the version that was well a moment ago.
    """
    if plan["fault"] not in _ON_CONTAINERS:
        return ""
    try:
        _staging.wait(stack, engine, plan)
    except RollbackError as error:
        if plan["from_version"] == plan["version"]:
            raise
        return f"{plan['from_version']} does not get well by itself, so no other fault was injected: {error.message}"
    return ""


def _noticed(plan: Mapping[str, Any], stack: Stack, engine: Engine) -> str:
    failing = [f"{each.name}: {each.found}" for each in _checks.run(stack.checks) if not each.ok]
    return "; ".join([*failing, *_staging.unwell(engine, plan)])


def _tag_release(plan: Mapping[str, Any], engine: Engine) -> None:
    for name, image_id in plan["from_images"].items():
        engine.tag(image_id, _staging_project.image(plan["name"], name))
    if plan["fault"] == _faults.BAD_IMAGE:
        engine.tag(_empty_image(plan), _staging_project.image(plan["name"], plan["service"]))


def _empty_image(plan: Mapping[str, Any]) -> str:
    """Make an image that nothing is in, which goes with the copy's other images."""
    archive = Path(plan["root"]) / "empty.tar"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w"):
        pass
    _files.write(archive, data.getvalue(), durable=False)
    name = f"{plan['name']}/broken:drill"
    _staging.docker("import", "--change", f'CMD ["{_faults.NO_PROGRAM}"]', str(archive), name)
    return name


def _put(plan: Mapping[str, Any], stack: Stack, engine: Engine) -> str:
    """Inject what is not a release in itself, and say what was done."""
    if plan["fault"] == _faults.BAD_MIGRATION:
        return _migrate(stack, engine, plan)
    act = _ON_CONTAINERS.get(plan["fault"])
    if act is None:
        return f"{plan['service']}: {_faults.FAULTS[plan['fault']]}"
    containers = [each for each in engine.containers(plan["name"]) if each.service == plan["service"] and each.running]
    if not containers:
        raise RollbackError(f"no container of {plan['service']} runs in the staging copy", "See its log.")
    for container in containers:
        if container.project != plan["name"]:
            raise RollbackError(f"{container.name} is not in the staging copy", "Nothing was done to it.")
        act(container, plan)
    return f"{', '.join(each.name for each in containers)}: {_faults.FAULTS[plan['fault']]}"


def _migrate(stack: Stack, engine: Engine, plan: Mapping[str, Any]) -> str:
    database = _staging.databases(stack, engine, plan)[0]
    script = _faults.migration(plan["tables"][database.name], "postgres" if stack.postgres else "sqlite")
    database.execute(script, _MIGRATION_TIMEOUT)
    return f"{database.name}: {_faults.FAULTS[_faults.BAD_MIGRATION]}"


def _kill_container(container: Container, plan: Mapping[str, Any]) -> None:
    _staging.docker("kill", container.id)


def _stop(container: Container, plan: Mapping[str, Any]) -> None:
    # In its own grace period; whatever its restart policy, it stays stopped.
    _staging.docker("stop", container.id, timeout=_STOP_TIMEOUT)


def _kill_process(container: Container, plan: Mapping[str, Any]) -> None:
    os.kill(_own_process(container), signal.SIGKILL)


def _cut(container: Container, plan: Mapping[str, Any]) -> None:
    entry = _staging.read_compose_file(plan)
    for key in entry["services"][plan["service"]].get("networks") or {}:
        _staging.docker("network", "disconnect", "--force", entry["networks"][key]["name"], container.id)


def _hold_back(container: Container, plan: Mapping[str, Any]) -> None:
    into = ["nsenter", "--target", str(_own_process(container)), "--net"]
    _command.run([*into, "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", _DELAY], timeout=10)


def _fill(container: Container, plan: Mapping[str, Any]) -> None:
    """Fill the small file system that the copy has in memory for this; never one of the host's."""
    root = os.open(f"/proc/{_own_process(container)}/root", os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Not through a link, which this host would follow to its own directory.
        name = _faults.FULL_DIRECTORY.lstrip("/")
        directory = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
        try:
            fill(directory, os.fstat(root).st_dev)
        finally:
            os.close(directory)
    finally:
        os.close(root)


def fill(directory: int, outer: int) -> None:
    """Fill a file system of known size.

    :param directory: descriptor of its top.
    :param outer: device of the file system that it is mounted in.
    :raises RollbackError: where it is not a small one of its own; not a byte was written then.
    """
    there = os.fstatvfs(directory)
    if os.fstat(directory).st_dev == outer or there.f_blocks * there.f_frsize > _faults.FULL_BYTES:
        raise RollbackError("the directory to be filled is no small file system of its own", "Nothing was written.")
    file = os.open("drill-full", os.O_CREAT | os.O_WRONLY | os.O_EXCL, _files.PRIVATE_FILE, dir_fd=directory)
    try:
        for _written in range(_faults.FULL_BYTES // _BLOCK + 1):
            os.write(file, b"\0" * _BLOCK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(file)


def _own_process(container: Container) -> int:
    if not _proc.is_local(container):
        raise RollbackError(
            f"the process of {container.name} is not to be seen from here", "Choose another fault, or run as root."
        )
    return container.pid


_ON_CONTAINERS: Mapping[str, Callable[[Container, Mapping[str, Any]], None]] = {
    _faults.CONTAINER_KILL: _kill_container,
    _faults.PROCESS_KILL: _kill_process,
    _faults.NETWORK_CUT: _cut,
    _faults.LATENCY: _hold_back,
    _faults.DISK_FULL: _fill,
    _faults.DATABASE_STOP: _stop,
}
