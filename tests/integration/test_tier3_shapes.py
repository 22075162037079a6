# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of stacks as they are found: reached by a link, included and extended files, environment files in folders, jobs
that ran once, several replicas, profiles, images by digest."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.tests.support import parts, proxied
from ansible_collections.tiered.rollback.tests.support.parts import NEW, OLD, images_of
from ansible_collections.tiered.rollback.tests.support.stack import Stack

FLAG = "GREETING"


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Stack:
    """All of it at once; v0.9.0 is captured, v1.0.0 runs, with three replicas of ``web`` by hand."""
    made: Stack = make_stack()
    link = made.src.with_name("link")
    link.symlink_to(made.src)
    made.description |= {"project_src": str(link), "project_name": made.project}
    # As a person's shell says it, who is in the link's directory.
    made.source += ["--project-directory", str(link)]
    once = {"condition": "service_completed_successfully"}
    extended = {"extends": {"file": "common/base.yml", "service": "base"}}
    api = made.published(
        "api:production",
        **extended,
        env_file=["conf/api.env", "conf/more.env"],
        depends_on={"migrate": once, "web": {"condition": "service_started"}},
        volumes=["./data:/data:ro", "./conf/settings.conf:/config/settings.conf:ro"],
    )
    services = {
        "api": api,
        "migrate": made.service("job:1", command=["true"], healthcheck={"disable": True}),
        "web": made.service(
            "web:production", deploy={"replicas": 2}, command=["sh", "-c", "echo $$OTHER; exec python3 /app.py"]
        ),
        "helper": made.service("helper:1", profiles=["extra"]),
    }
    made.write("common/base.yml", "services: {base: {environment: {BASE: '1'}, stop_signal: SIGTERM}}\n")
    made.compose(services, include=["more/compose.yml"])
    worker = made.service("worker:production", env_file=["worker.env"], volumes=[])
    made.write("more/compose.yml", yaml.safe_dump({"services": {"worker": worker}}))
    made.tag("job:1", OLD)
    deploy(made, OLD)
    made.capture(OLD)
    deploy(made, NEW)
    made.up("--scale", "web=3")
    return made


def deploy(stack: Stack, version: str) -> None:
    """Deploy a version of everything."""
    stack.write("conf/api.env", f'RELEASE={version}\n{FLAG}="true" # since spring\n')
    stack.write("conf/more.env", f"export {FLAG}='Yes'\n")
    stack.write("conf/settings.conf", f"release = {version}\n")
    stack.write("more/worker.env", "WORKERS=1\nAUDIT=on # always\n")
    for name in ("api", "web", "worker"):
        stack.tag(f"{name}:production", version)
    stack.up("--force-recreate")


def test_a_component_goes_back_alone_and_a_job_it_depends_on_does_not_run_again(stack: Stack) -> None:
    others = stack.states("migrate", "web", "worker")
    done = stack.run("tier3-partial.yml", component="api", version=OLD).ok()
    assert done.recap["changed"] == 1
    assert images_of(stack) == {"api": OLD, "migrate": OLD, "web": NEW, "worker": NEW}
    assert stack.states("migrate", "web", "worker") == others
    assert "RELEASE=v0.9.0" in (stack.src / "conf/api.env").read_text()
    again = stack.run("tier3-partial.yml", component="api", version=OLD).ok()
    assert again.recap["changed"] == 0, again.output
    stack.undo().ok()
    assert images_of(stack)["api"] == NEW
    assert stack.states("migrate", "web", "worker") == others


def test_every_replica_goes_back_and_none_is_added_or_lost(stack: Stack) -> None:
    others = stack.states("api", "migrate", "worker")
    stack.run("tier3-partial.yml", component="web", version=OLD).ok()
    assert {each["Image"] for each in stack.containers("web")} == {stack.images.get(OLD)}
    assert len(stack.containers("web")) == 3
    assert stack.states("api", "migrate", "worker") == others
    stack.undo().ok()
    assert {each["Image"] for each in stack.containers("web")} == {stack.images.get(NEW)}
    assert stack.states("api", "migrate", "worker") == others


def test_a_flag_in_two_environment_files_is_set_in_both_as_each_spells_it(stack: Stack) -> None:
    others = stack.states("migrate", "web", "worker")
    stack.run("tier3-partial.yml", flags={FLAG: False}).ok()
    assert (stack.src / "conf/api.env").read_text() == f"RELEASE={NEW}\n{FLAG}=false # since spring\n"
    assert (stack.src / "conf/more.env").read_text() == f"export {FLAG}=No\n"
    assert stack.ask().document["greeting"] == "No"
    assert stack.states("migrate", "web", "worker") == others
    assert stack.run("tier3-partial.yml", flags={FLAG: False}).ok().recap["changed"] == 0
    stack.undo().ok()
    assert stack.ask().document["greeting"] == "Yes"


def test_a_flag_of_an_included_file_is_set_beside_that_file(stack: Stack) -> None:
    others = stack.states("api", "migrate", "web")
    stack.run("tier3-partial.yml", flags={"AUDIT": False}).ok()
    assert (stack.src / "more/worker.env").read_text() == "WORKERS=1\nAUDIT=off # always\n"
    assert stack.states("api", "migrate", "web") == others
    stack.undo().ok()
    assert stack.states("api", "migrate", "web") == others


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"component": "helper", "version": OLD}, "no service of this stack is called helper"),
        ({"component": "*", "version": "v3"}, "no restore point for v3"),
        ({"flags": {"OTHER": "x"}}, "no service reads the flag OTHER"),
        ({"flags": {"BASE": False}}, "written in the Compose file itself"),
        ({"flags": "nonsense"}, "unsafe or malformed"),
        ({"plan": "/nowhere/phases.yml"}, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(stack: Stack, given: dict[str, Any], message: str) -> None:
    before = stack.snapshot()
    refused = stack.run("tier3-partial.yml", **given)
    assert refused.rc != 0
    assert message in refused.said
    assert "HINT" in refused.said
    assert stack.snapshot() == before


def test_the_number_of_replicas_is_configuration_too(stack: Stack) -> None:
    stack.run("config-backup.yml").ok()
    text = (stack.src / "compose.yml").read_text()
    stack.write("compose.yml", text.replace("replicas: 2", "replicas: 1"))
    stack.up("--no-recreate")
    others = stack.states("api", "migrate", "worker")
    assert len(stack.containers("web")) == 1

    stack.run("config-rollback.yml").ok()

    assert len(stack.containers("web")) == 2
    assert (stack.src / "compose.yml").read_text() == text
    assert stack.states("api", "migrate", "worker") == others


def test_a_component_behind_a_proxy_is_started_first_and_the_proxy_is_left_alone(make_stack: Any) -> None:
    stack: Stack = make_stack()
    proxied.compose(stack)
    stack.deploy(OLD)
    stack.capture(OLD)
    stack.deploy(NEW)
    proxy = stack.states("proxy")

    stack.run("tier3-partial.yml", component="api", version=OLD).ok()

    report, _text = stack.report()
    assert [(step["action"], step["subject"]) for step in report["plan"]["steps"]][-1] == ("start_first", "api")
    assert stack.states("proxy") == proxy
    assert stack.image_ids()["api"] == stack.images.get(OLD)


def test_an_image_by_digest_needs_its_compose_file_back_too(make_stack: Any) -> None:
    stack: Stack = make_stack()
    parts.deploy(stack, OLD)
    stack.capture(OLD)
    parts.deploy(stack, NEW)
    pinned = f"{stack.project}/api@{stack.images.get(NEW)}"
    text = (stack.src / "compose.yml").read_text()
    stack.write("compose.yml", text.replace(f"{stack.project}/api:production", pinned))
    before = stack.files()

    refused = stack.run("tier3-partial.yml", component="api", version=OLD)

    assert refused.rc != 0
    assert "pinned by digest" in refused.said
    assert stack.files() == before
