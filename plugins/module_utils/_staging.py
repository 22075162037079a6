# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A staging copy of a stack: made from a restore point below the stack's state directory, and removed without a trace.

Production is only read. Every command names the copy's own project, whose name no other has.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _checks,
    _command,
    _compose,
    _drill,
    _drill_plan,
    _drivers,
    _faults,
    _files,
    _proc,
    _sqlite,
    _sqlite_place,
    _stack,
    _staging_postgres,
    _staging_project,
    _staging_stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database, Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._drill_plan import Drill
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

#: What a copy says of itself.
PLAN = "drill.json"
#: Names of image repositories that restore points of a stack keep their images by.
_KEPT_IMAGES = "tiered-rollback"
_POLL = 0.2
_LONG = 300


def present(ctx: Context, drill: Drill) -> list[str]:
    """Make a staging copy and bring it up, well.

    :returns: what could not be copied: symbolic links that lead out of what they lie in, sockets and alike.
    """
    plan, root = drill.plan, Path(drill.plan["root"])
    _drill_plan.room(plan, sum(part.size for part in drill.point.databases.values()))
    _files.private_directory(root)
    write(root, PLAN, plan)
    _files.private_directory(Path(plan["project_src"]))
    left_out = _copy_trees(ctx, plan, drill.point)
    for name, image_id in _staging_stack.images(plan).items():
        ctx.engine.tag(image_id, name)
    compose_file(plan, drill.project)
    stack = description(ctx, plan)
    compose(plan, "create", "--no-build", "--pull", "never")
    for database in stack.sqlite:
        _place(ctx, database, drill.point, plan)
    if servers := sorted({each["service"] for each in plan["postgres"].values()}):
        # Who works with the databases comes afterwards.
        _up(plan, stack, *servers)
        _staging_postgres.fill(ctx, stack, drill.point, plan)
    _up(plan, stack)
    wait(stack, ctx.engine, plan)
    refuse_links_out(root)
    return left_out


def _up(plan: Mapping[str, Any], stack: Stack, *services: str) -> None:
    fixed = ("--detach", "--no-build", "--pull", "never")
    compose(plan, "up", *fixed, *services, timeout=stack.health_timeout + 120)


def absent(name: str, root: Path, engine: Engine) -> None:
    """Remove everything of a staging copy, running or half made; its directory last, since that says what there is."""
    refuse_strange(name)
    if root.exists():
        # A module that is killed does not take its Compose along, which would go on making containers.
        _proc.end_below(root)
    label = f"label=com.docker.compose.project={name}"
    for kind, listing, removal in (
        ("container", ["ls", "-a"], ["rm", "-f", "-v"]),
        ("network", ["ls"], ["rm"]),
        ("volume", ["ls"], ["rm"]),
    ):
        if found := docker(kind, *listing, "-q", "--filter", label).split():
            docker(kind, *removal, *found, timeout=_LONG)
    for image in engine.tags():
        if image.startswith((f"{name}/", f"{_KEPT_IMAGES}/{name}/")):
            engine.untag(image)
    if root.exists():
        # Never through a link: rmtree removes those themselves.
        shutil.rmtree(root)


def remains(state: Path) -> list[str]:
    """Name the staging copies of a stack that are there."""
    below = state / _drill.DIRECTORY
    return sorted(each.name for each in below.glob(f"{_drill.PREFIX}*") if each.is_dir()) if below.is_dir() else []


def made(ctx: Context) -> bool:
    """Whether anything of this run's staging copy was made."""
    return _drill.prefix(ctx.stack.name, ctx.run.id) in remains(ctx.state)


def recall(ctx: Context) -> dict[str, Any]:
    """Return the plan of this run's staging copy.

    :raises RollbackError: when there is none, or it is not what this run made.
    """
    name = _drill.prefix(ctx.stack.name, ctx.run.id)
    root = Path(_staging_stack.root(os.path.realpath(ctx.state), name))
    data = _files.read(root / PLAN)
    if data is None:
        raise RollbackError(f"there is no staging copy {name}", "The drill's first module makes it; see what it said.")
    plan = _files.load_json(data, str(root / PLAN))
    if plan.get("name") != name or plan.get("root") != str(root):
        raise RollbackError(f"{root / PLAN} is about another drill", "Run cleanup.yml, then the drill again.")
    return plan


def description(ctx: Context, plan: Mapping[str, Any]) -> Stack:
    """Return the staging copy as a stack."""
    return _stack.parse(_staging_stack.describe(ctx.module.params["stack"], plan))


def databases(stack: Stack, engine: Engine, plan: Mapping[str, Any]) -> list[Database]:
    """Return the staging copy's databases, those of PostgreSQL first."""
    for description in stack.postgres:
        _staging_postgres.refuse_strange(description, engine, plan)
    return [database for database, _exchange in _drivers.of_stack(stack, engine, plan["name"])]


def write(root: Path, name: str, value: object) -> None:
    """Write a note of the drill's."""
    _files.write(root / name, _files.dump_json(value), durable=False)


def compose_file(plan: Mapping[str, Any], project: Mapping[str, Any]) -> None:
    """Write the copy's Compose file; JSON is YAML."""
    text = json.dumps(_staging_project.escaped(project), indent=1)
    _files.write(Path(plan["project_src"]) / _staging_stack.COMPOSE_FILE, text.encode())


def read_compose_file(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the copy's Compose file as it was written: with its dollar signs doubled."""
    path = Path(plan["project_src"]) / _staging_stack.COMPOSE_FILE
    return _files.load_json(_files.read(path) or b"", str(path))


def compose(plan: Mapping[str, Any], *arguments: str, timeout: float = 120) -> str:
    """Run Compose on the copy, and on nothing else."""
    refuse_strange(plan["name"])
    base = ["docker", "compose", "--env-file", "/dev/null", "-p", plan["name"], "-f", _staging_stack.COMPOSE_FILE]
    return _compose.run([*base, *arguments], plan["project_src"], timeout=timeout)


def docker(*arguments: str, timeout: float = 60) -> str:
    """Run the engine's command line."""
    return _command.run(["docker", *arguments], timeout=timeout, hint="See the engine's log.")


def refuse_strange(name: str) -> None:
    """Refuse to act on what no drill has made."""
    if not name.startswith(_drill.PREFIX):
        raise RollbackError(f"{name} is no staging copy", "This is a fault of the drill; nothing was touched.")


def wait(stack: Stack, engine: Engine, plan: Mapping[str, Any]) -> None:
    """Wait until the copy is well: containers good, jobs ended well, checks held.

    :raises RollbackError: saying what is not.
    """
    deadline = time.monotonic() + stack.health_timeout
    while bad := unwell(engine, plan):
        if time.monotonic() > deadline:
            raise RollbackError(
                f"the staging copy does not get well: {'; '.join(bad)}",
                "A service that needs what is outside the stack cannot be rehearsed: -e without=NAME.",
            )
        time.sleep(_POLL)
    _checks.wait(stack.checks, stack.health_timeout)


def unwell(engine: Engine, plan: Mapping[str, Any]) -> list[str]:
    """Say which containers of the copy are not as they should be."""
    found = engine.containers(plan["name"])
    missing = set(plan["services"]) - {container.service for container in found}
    return [
        *(f"{name} has no container" for name in sorted(missing)),
        *(
            f"{each.service} is {each.state}"
            for each in found
            if not each.good
            # A job that has done its work.
            and not (each.service in plan["jobs"] and not each.running and not each.unstarted and each.exit_code == 0)
        ),
    ]


def refuse_links_out(root: Path) -> None:
    """Refuse to go on where a link in the copy leads out of it: what is written through it would be production's."""
    if found := [path for path in _links(root) if _leads_out(path, root)]:
        raise RollbackError(
            f"{found[0]} leads out of the staging copy, to {found[0].readlink()}",
            "A service of the copy made it; leave that service out: -e without=NAME.",
        )


def _copy_trees(ctx: Context, plan: Mapping[str, Any], point: RestorePoint) -> list[str]:
    left_out: list[str] = []
    for source in _drill.roots(plan["paths"]):
        left_out += copy(Path(source), Path(plan["paths"][source]))
    for path, part in point.files.items():
        place = _drill.moved(os.path.realpath(Path(ctx.stack.project_src) / path), plan["paths"])
        data = ctx.store.content(point, path)
        if place is None:
            continue
        if data is None:
            Path(place).unlink(missing_ok=True)
        else:
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            _files.write(Path(place), data, part.mode, (part.uid, part.gid), durable=False)
    for place in plan["sqlite"].values():
        for file in (Path(place), *_sqlite_place.beside(Path(place))):
            file.unlink(missing_ok=True)
    return left_out


def copy(source: Path, target: Path) -> list[str]:
    """Copy a file or a tree with modes and owners; return what was left out.

    A link is kept only where it stays inside the tree, as this host reads it. A PostgreSQL server's own folder is
    left out.
    """
    left_out: list[str] = []
    target.parent.mkdir(parents=True, exist_ok=True, mode=_files.PRIVATE_DIRECTORY)
    if source.is_file():
        _copy_one(source, target)
        return []
    target.mkdir()
    if not source.is_dir():
        # What is mounted and is not there, the engine makes an empty directory of.
        return left_out if not source.exists() else [str(source)]
    for top, folders, names, left in _drill_plan.walk(source):
        into = target / top.relative_to(source)
        left_out += left
        for name in [*folders, *names]:
            left_out += [] if _copy_entry(top / name, into / name, target) else [str(top / name)]
        _like(top, into)
    for link in _links(target):
        if _leads_out(link, target):
            link.unlink()
            left_out.append(str(source / link.relative_to(target)))
    return left_out


def _copy_entry(path: Path, into: Path, root: Path) -> bool:
    """Copy one entry of a directory; return whether it can be."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        target = str(path.readlink())
        if _drill.link_leads_out(str(root), str(into), target):
            return False
        into.symlink_to(target)
        return True
    if stat.S_ISDIR(mode):
        into.mkdir()
        return True
    if stat.S_ISREG(mode):
        _copy_one(path, into)
        return True
    return False


def _copy_one(path: Path, into: Path) -> None:
    # What is a link by now was none a moment ago.
    shutil.copyfile(path, into, follow_symlinks=False)
    _like(path, into)


def _like(path: Path, into: Path) -> None:
    found = path.lstat()
    if os.geteuid() == 0:
        os.lchown(into, found.st_uid, found.st_gid)
    if not into.is_symlink():
        into.chmod(stat.S_IMODE(found.st_mode))


def _links(root: Path) -> list[Path]:
    return [
        Path(top) / name
        for top, folders, names in os.walk(root)
        for name in [*folders, *names]
        if (Path(top) / name).is_symlink()
    ]


def _leads_out(link: Path, root: Path) -> bool:
    return link.readlink().is_absolute() or not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(root))


def _place(ctx: Context, database: Sqlite, point: RestorePoint, plan: Mapping[str, Any]) -> None:
    """Put the restore point's copy of a database where the staging copy has its own."""
    live = _sqlite_place.locate(database, ctx.engine, plan["name"])
    volume = any(part.startswith(f"{plan['name']}_") for part in live.parts)
    if not (volume or live.is_relative_to(plan["root"])):
        raise RollbackError(f"{live} is not in the staging copy", "Describe the SQLite database by its service.")
    owner = point.databases[database.name].properties
    _files.private_directory(live.parent)
    shutil.copyfile(ctx.store.database(point, database.name) / _sqlite.COPY, live)
    live.chmod(owner["mode"])
    if os.geteuid() == 0:
        os.chown(live, owner["uid"], owner["gid"])


def release(plan: Mapping[str, Any]) -> None:
    """Deploy what the drill rolls back from; that it does not get well may be what it is for."""
    project = read_compose_file(plan)
    text = json.dumps(_faults.released(project, plan["fault"], plan["service"]), indent=1)
    _files.write(Path(plan["project_src"]) / _staging_stack.COMPOSE_FILE, text.encode())
    try:
        compose(plan, "up", "--detach", "--no-build", "--pull", "never")
    except RollbackError:
        if plan["fault"] not in (_faults.BAD_CONFIG, _faults.BAD_IMAGE) and plan["from_version"] == plan["version"]:
            raise
