# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks of the Molecule scenarios: ``python -m ...support.molecule create|deploy|destroy``, and what verify needs.

Each scenario has one stack below its ephemeral directory, under names made of the scenario's; that about a fleet has
one for each of its hosts.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import drills, engine, leaks, owned, parts, peelback, proxied
from ansible_collections.tiered.rollback.tests.support.images import Images
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.swarm import Swarm, SwarmStack
from ansible_collections.tiered.rollback.tests.support.tier2 import Tier2
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import Tier2Sqlite

OLD, NEW = "v0.9.0", "v1.0.0"
#: MCP containers of the scenario that is about many.
FLEET = ("mcp-files", "mcp-git", "mcp-mail")
#: Hosts of the scenario that is about a fleet. The first is its canary.
HOSTS = ("web1", "web2")
#: Port of a node of the swarm.
SWARM_PORT = 8080


def stack(member: str = "") -> Stack:
    """Return the stack of the scenario that Molecule runs, or of one of its hosts, on the port it was created on."""
    scenario = os.environ["MOLECULE_SCENARIO_NAME"]
    name = "-".join(filter(None, ("trm", scenario.replace("_", "-"), member)))
    directory = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / (f"stack-{member}" if member else "stack")
    if scenario == "swarm":
        # It is for the collection; the node itself is a container of this machine's engine.
        os.environ.pop("DOCKER_HOST", None)
        return SwarmStack(directory, Swarm(name, nodes=1, directory=Path("/tmp") / name))
    found = Stack(directory, Images(name), name=name)
    port = directory / "port"
    if port.exists():
        found.port = int(port.read_text(encoding="ascii"))
    else:
        port.write_text(str(found.port), encoding="ascii")
    return found


def stacks() -> list[Stack]:
    """Return every stack of the scenario."""
    return [stack(member) for member in (HOSTS if os.environ["MOLECULE_SCENARIO_NAME"] == "fleet_canary" else ("",))]


def tier2(made: Stack) -> Tier2 | Tier2Sqlite | None:
    """Return the stack's database, by the scenario's name; None where the scenario is about none."""
    if "drill-migration" in made.name:
        return Tier2Sqlite(made)
    if "tier2" not in made.name:
        return None
    return Tier2Sqlite(made) if "sqlite" in made.name else Tier2(made)


def noted(made: Stack) -> dict[str, Any]:
    """Return what was noted at the deployments: of the database by version, or of the service to be left alone."""
    return dict(json.loads((made.src.parent / "noted.json").read_text(encoding="utf-8")))


def _note(made: Stack, database: Tier2 | Tier2Sqlite, version: str) -> None:
    known = noted(made) if version != OLD else {}
    known[version] = {"orders": database.orders(), "written": max(database.acknowledged())}
    _write_noted(made, known)


def _write_noted(made: Stack, known: dict[str, Any]) -> None:
    (made.src.parent / "noted.json").write_text(json.dumps(known), encoding="utf-8")


def _partial(made: Stack) -> bool:
    """Whether the scenario takes only a part of the stack back."""
    return "tier3" in made.name or "config" in made.name


def assert_data(made: Stack, version: str) -> None:
    """See that the live database is a version's, and that the one it displaced holds every other row.

    Rows that were written between the capture of v0.9.0 and the rollback are in one of the two only: a log that is
    replayed over a restored SQLite file would bring them back.
    """
    database = tier2(made)
    assert database is not None
    names, live = database.databases(), database.DATABASE
    (displaced,) = set(names) - {live}
    run = made.ledger()[-1]["run"]
    other = {OLD: NEW, NEW: OLD}[version]
    known = noted(made)
    assert displaced.endswith(run)
    assert (database.orders(live), database.orders(displaced)) == (known[version]["orders"], known[other]["orders"])
    assert database.acknowledged() <= database.kept_rows()
    between = set(range(known[OLD]["written"] + 1, known[NEW]["written"] + 1))
    assert between
    holding = {name for name in names if between & database.rows(name)}
    assert holding == {{OLD: displaced, NEW: live}[version]}


def configuration(version: str) -> str:
    """Return the ``.env`` of a version."""
    return f"GREETING=hello from {version}\n"


def assert_serves(host: Any, made: Stack, version: str) -> None:
    """See, from outside, that one healthy container runs a version's image by id and answers on the stack's port."""
    (container,) = [host.docker(entry["Id"]) for entry in made.containers("api")]
    assert container.is_running
    assert container.inspect()["State"]["Health"]["Status"] == "healthy"
    assert container.inspect()["Image"] == made.images.get(version)
    assert host.socket(f"tcp://127.0.0.1:{made.port}").is_listening
    answer = made.ask("/api/status")
    assert (answer.status, answer.version) == (200, version)


def assert_configured(host: Any, made: Stack, version: str) -> None:
    """See that the environment file is a version's, and that the service was started with it."""
    assert host.file(str(made.src / ".env")).content_string == configuration(version)
    assert made.ask("/").document["greeting"] == configuration(version).split("=")[1].strip()


def assert_parts(made: Stack, versions: dict[str, str], settings: str) -> None:
    """See which version each of two services runs, how ``api`` is configured, and that ``web`` was left alone."""
    assert parts.images_of(made) == versions
    assert (made.src / "api.env").read_text(encoding="utf-8") == settings
    assert made.states("web") == {name: tuple(state) for name, state in noted(made)["web"].items()}


def assert_only_rehearsed(made: Stack, fault: str) -> dict[str, Any]:
    """See that a drill was recorded and succeeded, nothing of it is left, and production was not touched.

    :returns: the drill's record.
    """
    assert made.states(*made.ids()) == {name: tuple(state) for name, state in noted(made)["states"].items()}
    (line,) = made.ledger()
    assert (line["kind"], line["fault"], line["outcome"]) == ("drill", fault, "succeeded")
    record, text = made.report()
    assert record["run"] == line["run"]
    assert "Drill succeeded" in text
    drills.assert_none_left(made)
    return record


def _about_snapshots(made: Stack) -> bool:
    return "mcp" in made.name and "mcp-fleet" not in made.name


def _deploy_fleet(made: Stack, version: str) -> None:
    services = {name: made.service(f"{name}:production") for name in FLEET}
    made.compose({**services, "api": made.published("api:production")})
    for name in FLEET:
        made.tag(f"{name}:production", version)
    made.deploy(version)


def _release(made: SwarmStack, version: str) -> None:
    swarm = made.swarm
    image = swarm.push(version)
    swarm.deploy({"api": swarm.service("api", image, SWARM_PORT), "worker": swarm.service("worker", image)})


def _create_swarm(made: SwarmStack) -> None:
    made.swarm.start()
    _release(made, OLD)
    url = f"http://{made.swarm.manager.address}:{SWARM_PORT}/api/status"
    made.description["services"] = {"api": {"checks": [{"url": url}]}, "worker": {"depends_on": ["api"]}}
    (made.src.parent / "rollback_stack.json").write_text(json.dumps(made.description), encoding="utf-8")


def clear() -> None:
    """Remove what a killed run of the scenario left, which nobody has destroyed."""
    for each in stacks():
        destroy(each)


def create(made: Stack) -> None:
    """Bring v0.9.0 up and describe the stack for the inventory."""
    if isinstance(made, SwarmStack):
        _create_swarm(made)
        return
    database = tier2(made)
    if database is not None:
        database.begin()
    elif _partial(made):
        parts.deploy(made, OLD)
        parts.tell_the_flag(made)
        made.description["services"]["web"] = {}
        made.description["config"] = ["compose.yml", "api.env"]
    elif "mcp-fleet" in made.name:
        _deploy_fleet(made, OLD)
    elif "start-first" in made.name:
        proxied.compose(made)
        made.deploy(OLD)
    else:
        made.compose({"api": made.published(environment={"GREETING": "${GREETING}"}, restart="on-failure")})
        made.write(".env", configuration(OLD))
        made.description["config"] = ["compose.yml", ".env"]
        made.deploy(OLD)
    made.description["services"]["api"]["checks"] = [{"url": f"http://127.0.0.1:{made.port}/api/status"}]
    made.description["health_timeout"] = 15
    if _about_snapshots(made):
        peelback.describe(made)
        made.description["mcp"]["services"] = ["api"]
        peelback.build(made.variables["peelback_image"])
    (made.src.parent / "rollback_stack.json").write_text(json.dumps(made.description), encoding="utf-8")


def deploy(made: Stack) -> None:
    """Deploy v1.0.0; where the scenario is about a broken target, v0.9.0 can run no more from then on.

    Of a fleet that is so for its canary.

    Where it is about a watch, v1.0.0 answers with errors.

    Where it is about snapshots, v0.9.0 stays and only its data is broken.
    """
    if isinstance(made, SwarmStack):
        _release(made, NEW)
        return
    if _about_snapshots(made):
        made.trouble(OLD, "crash" if "crash" in made.name else "unhealthy")
        if "crash" in made.name:
            engine.docker("restart", *made.ids()["api"])
        return
    if "mcp-fleet" in made.name:
        _deploy_fleet(made, NEW)
        _write_noted(made, {"api": made.states("api")})
        return
    database = tier2(made)
    if "deploy" in made.name:
        # What is deployed is known by its name on this host, and is broken.
        made.tag(f"api:{NEW}", NEW, "broken")
        return
    if database is not None:
        _deploy_with_data(made, database)
        if "drill" in made.name:
            _write_noted(made, {**noted(made), "states": made.states(*made.ids())})
        return
    if _partial(made):
        parts.deploy(made, NEW)
        _write_noted(made, {"web": made.states("web")})
        return
    if (made.src / ".env").exists():
        made.write(".env", configuration(NEW))
    made.deploy(NEW)
    if "drill" in made.name or "canary" in made.name:
        _write_noted(made, {"states": made.states(*made.ids())})
    if "broken-target" in made.name or made.name.endswith(f"canary-{HOSTS[0]}"):
        made.trouble(OLD, "unhealthy")
    if any(each in made.name for each in ("watch", "auto-health", "auto-alert")):
        made.trouble(NEW, "broken")


def _deploy_with_data(made: Stack, database: Tier2 | Tier2Sqlite) -> None:
    # v0.9.0 was captured a moment ago: what is acknowledged from now on is not in its copy.
    _note(made, database, OLD)
    if isinstance(database, Tier2) and "failure" in made.name:
        database.migrate_half()
    else:
        database.migrate()
    _note(made, database, NEW)


def destroy(made: Stack) -> None:
    """Remove everything, and fail when something is left."""
    peelback.remove(made)
    told = [*leaks.files(made.state), *(owned.open_to_others(made.state) if made.state.exists() else [])]
    made.down()
    made.images.remove()
    shutil.rmtree(made.src.parent)
    left = [*engine.leftovers(made.project), *made.tags(), *engine.tags(f"{made.images.prefix}/")]
    if left:
        sys.exit(f"left over: {', '.join(left)}")
    if told:
        sys.exit(f"holds a secret, or is open to others: {', '.join(told)}")


if __name__ == "__main__":
    if sys.argv[1] == "create":
        clear()
    for each in stacks():
        {"create": create, "deploy": deploy, "destroy": destroy}[sys.argv[1]](each)
