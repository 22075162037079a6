# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions are deployed past gates; one that is not good comes back by itself and stays out until it is released."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import checkout, engine, images
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import DATABASE, Tier2Sqlite

_LABEL = "org.opencontainers.image."
#: A migration that no check likes, run by the first one that looks at the new version.
_MIGRATION = f"""\
import json, sqlite3, sys, urllib.request
if json.load(urllib.request.urlopen("http://api:8000/"))["version"] == "v0.9.0":
    sys.exit(0)
connection = sqlite3.connect("/library/{DATABASE}", timeout=30, isolation_level=None)
connection.execute("ALTER TABLE orders ADD COLUMN discount INTEGER")
connection.execute("DELETE FROM orders WHERE id > 390")
sys.exit(1)
"""


def _tag(stack: Stack, version: str, trouble: str = "") -> str:
    """Commit and tag a version that is not deployed, and leave the checkout where it was."""
    path = stack.src / "app/Dockerfile"
    text = (images._CONTEXT / "Dockerfile").read_text()
    text = text.replace("ARG VERSION\n", f"ARG VERSION={version}\n").replace('TROUBLE=""', f'TROUBLE="{trouble}"')
    path.write_text(text)
    commit = checkout.commit(stack, version)
    checkout.git(stack.src, "checkout", "-q", "v0.9.0")
    return commit


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A checkout that runs v0.9.0, of which v1.0.0 is a good release and v1.1.0 is not."""
    made = make_stack()
    service = made.published()
    checkout.buildable(made, service)
    made.compose({"api": service})
    checkout.begin(made)
    checkout.release(made, "v0.9.0")
    made.commit = _tag(made, "v1.0.0")  # type: ignore[attr-defined]
    _tag(made, "v1.1.0", "broken")
    made.description["gates"] = [
        "rollback_plan",
        {"name": "tests", "command": ["echo", "TOKEN is s3cr3t-of-a-gate"], "env": {"X": "s3cr3t-of-a-gate"}},
        {"name": "smoke", "check": {"url": f"http://127.0.0.1:{made.port}/api/status"}},
    ]
    made.variables |= {"deploy_watch_minutes": 0.02, "watch_interval": 0.5}
    return made


def _deploy(stack: Stack, version: str, *arguments: str, **variables: Any) -> Outcome:
    return stack.run("deploy.yml", *arguments, version=version, **variables)


def test_a_gate_that_fails_refuses_the_deployment_before_anything_is_touched(stack: Stack) -> None:
    before = stack.snapshot()
    outcome = _deploy(stack, "v1.0.0")
    assert outcome.rc == 2, outcome.output
    assert (
        "1 of 3 gates do not let v1.0.0 pass: rollback_plan (failed: there is no proven restore point)" in outcome.said
    )
    after = stack.snapshot()
    assert (after.containers, after.files, after.tags) == (before.containers, before.files, before.tags)
    assert stack.points() == []
    (line,) = stack.ledger()
    assert (line["kind"], line["outcome"]) == ("deploy", "refused")
    assert line["gates"] == {"rollback_plan": "failed", "tests": "passed", "smoke": "passed"}
    report, text = stack.report()
    assert report["error"] in text
    assert "s3cr3t-of-a-gate" not in outcome.output + text + str(report)


def test_a_good_version_is_built_switched_to_watched_and_accepted(stack: Stack) -> None:
    outcome = _deploy(stack, "v1.0.0", skip_gates="rollback_plan", override_reason="the first one").ok()
    assert "v1.0.0 of " in outcome.said
    assert stack.ask("/api/status").version == "v1.0.0"
    image = stack.image_ids()["api"]
    (found,) = engine.inspect("image", image)
    labels = found["Config"]["Labels"]
    assert labels[f"{_LABEL}version"] == "v1.0.0"
    assert labels[f"{_LABEL}revision"] == stack.commit  # type: ignore[attr-defined]
    assert labels[f"{_LABEL}created"] > "2026"
    tags = {name.rpartition(":")[2] for name, of in stack.tags().items() if of == image}
    assert {"v1.0.0", "v1.0", stack.commit[:7]} <= tags  # type: ignore[attr-defined]

    (old,), new = stack.points("v0.9.0"), stack.points("v1.0.0")
    assert {stack.manifest(point)["kind"] for point in new} == {"deploy", "release"}
    assert {stack.manifest(point)["git"]["commit"] for point in new} == {stack.commit}  # type: ignore[attr-defined]
    report, text = stack.report()
    assert (report["kind"], report["outcome"], report["from_version"]) == ("deploy", "succeeded", "v0.9.0")
    assert report["deployment"]["back_to"] == old
    assert "# Deployment report" in text
    assert "Skipped because: the first one" in text
    line = stack.ledger()[-1]
    assert (line["tier"], line["deployment"]["skipped"]) == (None, ["rollback_plan"])
    assert not (stack.state / stack.name / "rebuild").exists()
    assert checkout.git(stack.src, "worktree", "list").count("\n") == 0
    assert _held(stack) == []


def test_a_bad_version_comes_back_by_itself_and_stays_out_until_it_is_released(stack: Stack) -> None:
    images_before, files = stack.image_ids(), stack.files()
    outcome = _deploy(stack, "v1.1.0")
    assert outcome.rc == 2, outcome.output
    assert "v1.1.0 was not deployed: " in outcome.said
    assert "is quarantined; once it is mended: quarantine.yml -e release=v1.1.0" in outcome.said
    assert (stack.image_ids(), stack.files()) == (images_before, files)
    assert stack.ask("/api/status").version == "v1.0.0"
    assert stack.healthy()
    assert not (stack.state / stack.name / "journal.json").exists()
    report, _text = stack.report()
    assert (report["kind"], report["outcome"], report["to_version"]) == ("deploy", "reverted", "v1.1.0")

    refused = stack.rollback("v1.1.0")
    assert refused.rc == 2
    assert "v1.1.0 is quarantined since " in refused.said
    assert "Available otherwise: v1.0.0, v0.9.0" in refused.said
    assert stack.image_ids() == images_before

    assert _held(stack) == ["v1.1.0"]
    status = stack.run("status.yml").ok().said
    assert "QUARANTINED (released by quarantine.yml -e release=VERSION)\nv1.1.0 since 20" in status
    released = stack.run("quarantine.yml", release="v1.1.0").ok()
    assert "No version is quarantined." in released.said
    assert stack.ledger()[-1]["kind"] == "quarantine"
    assert _held(stack) == []


def _held(stack: Stack) -> list[str]:
    from ansible_collections.tiered.rollback.plugins.module_utils import _quarantine

    return list(_quarantine.held(stack.ledger()))


def test_a_version_that_changed_the_schema_goes_back_with_its_database(make_stack: Callable[..., Stack]) -> None:
    database = Tier2Sqlite(make_stack())
    stack = database.stack
    database.begin()
    orders, image = database.orders(), stack.image_ids()["api"]
    stack.tag("api:v1.0.0", "v1.0.0")
    stack.description["checks"] = [{"command": ["python3", "-c", _MIGRATION], "service": "clerk", "name": "orders"}]
    stack.description["health_timeout"] = 8

    outcome = _deploy(stack, "v1.0.0", minutes="0")

    assert outcome.rc == 2, outcome.output
    assert "v0.9.0 is back by Tier 2" in outcome.said, outcome.said[-6000:]
    assert stack.image_ids()["api"] == image
    assert database.orders() == orders
    deployed, back = stack.ledger()
    # The switch puts back what it had changed, and that is not the database.
    assert (deployed["kind"], deployed["outcome"]) == ("deploy", "reverted")
    assert (back["kind"], back["tier"], back["outcome"]) == ("rollback", 2, "succeeded")
    assert "the deployment of v1.0.0 failed" in back["reason"]
    assert _held(stack) == ["v1.0.0"]
    assert not database.acknowledged() - database.kept_rows()
