# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx.yml makes all that AWX needs, by awx.awx on a stand-in of AWX's API, and what it has made does what it should."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _awx, _awx_setup, _awx_workflows, _enforcement
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks
from ansible_collections.tiered.rollback.tests.support.awx import rules, tables
from ansible_collections.tiered.rollback.tests.support.awx.site import (
    ADMIN,
    APPROVER,
    OPERATOR,
    OWNER,
    SETUP,
    Site,
    awx_with_playbooks,
)
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

FEW = ["verify"]
#: Of every workflow, of the drill's schedule, with every kind of question and with none. Each costs awx.awx seconds
#: of a core; of all the others only what AWX would take is looked at.
SOME = ["tier1-emergency", "tier2-standard", "tier3-partial", "ci-rollback", "ci-status", "verify", "drill", "status"]
TASKS = sorted((ROOT / "roles/awx/tasks").glob("*.yml"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """An AWX that has nothing."""
    with awx_with_playbooks() as awx:
        yield Site(awx, tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An AWX that has everything but for the job templates of most playbooks."""
    with awx_with_playbooks() as awx:
        site = Site(awx, tmp_path_factory.mktemp("awx"))
        site.run(playbooks=SOME).ok()
        yield site


# --- what is made ---------------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(made: Site) -> None:
    before = len(made.awx.store.changes)
    assert made.run(playbooks=SOME).ok().recap["changed"] == 0
    assert made.awx.store.changes[before:] == []
    assert len(made.awx.updates) == 2, "project and inventory are read once"


def test_awx_would_take_the_survey_of_every_playbook() -> None:
    wanted = _awx.wanted(_awx_setup.parse(SETUP), _playbooks.read())["job_templates"]
    surveys = [each["survey"] for each in wanted if "survey" in each]
    assert set(SOME) < {each["name"] for each in wanted}
    assert len(surveys) > len(SOME)
    for survey in surveys:
        rules.check_survey(survey)


def test_a_playbook_has_a_job_template_with_its_survey(made: Site) -> None:
    known = {each.name: each for each in _playbooks.read() if each.name in SOME}
    assert set(made.awx.names("job_templates")) == set(known)
    for name, each in known.items():
        template = made.awx.one("job_templates", name)
        assert template["playbook"] == f"playbooks/{name}.yml"
        assert template["survey_enabled"] is (each.launch is not None)
        assert bool(made.awx.store.surveys.get(template["id"])) is (each.launch is not None)
        assert template["ask_variables_on_launch"] is False


def test_a_second_run_meets_every_kind_of_thing(made: Site) -> None:
    asked = [made.awx.store.surveys.get(made.awx.one("job_templates", name)["id"]) or {"spec": []} for name in SOME]
    types = {question["type"] for survey in asked for question in survey["spec"]}
    assert types == {"text", "integer", "multiplechoice"}
    runs = {node["runs"] for each in _awx_workflows.templates() for node in each["nodes"] if "runs" in node}
    assert {*runs, "drill"} <= set(SOME)


def test_no_launch_waits_for_git_or_for_another(made: Site) -> None:
    assert made.awx.one("projects", _awx.NAME)["scm_update_on_launch"] is False
    assert made.awx.one("inventory_sources", "Stacks of Rollback")["update_on_launch"] is False
    store = made.awx.store.objects
    templates = [*store["job_templates"].values(), *store["workflow_job_templates"].values()]
    assert all(template["allow_simultaneous"] for template in templates)


def test_drills_and_syncs_are_scheduled(made: Site) -> None:
    schedules = made.awx.store.objects["schedules"].values()
    rules = {each["name"]: each["rrule"].split("RRULE:")[1] for each in schedules}
    assert rules == {
        "Drill on the last Friday of each month": "FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR",
        "Sync the playbooks": "FREQ=HOURLY;INTERVAL=1",
        "Sync the inventory": "FREQ=HOURLY;INTERVAL=1",
    }
    assert made.awx.one("schedules", "Sync the inventory")["summary_fields"]["unified_job_template"]["name"] == (
        "Stacks of Rollback"
    )


def test_types_of_credentials_notifications_and_labels_are_there(made: Site) -> None:
    assert set(made.awx.names("credential_types")) == {"Rollback tokens", "Rollback database"}
    injected = made.awx.one("credential_types", "Rollback tokens")["injectors"]["extra_vars"]
    assert injected["vault_github_token"] == "{{ github_token }}"
    ops = made.awx.one("notification_templates", "Ops")
    assert ops["notification_configuration"]["token"] == tables.ENCRYPTED
    workflow = made.awx.one("workflow_job_templates", "Tier 2 rollback")
    told = {
        name: made.awx.store.related("workflow_job_templates", workflow["id"], f"notification_templates_{name}")
        for name in ("started", "error", "approvals")
    }
    assert told == {"started": [], "error": [ops["id"]], "approvals": [ops["id"]]}
    labels = made.awx.store.related("workflow_job_templates", workflow["id"], "labels")
    assert {made.awx.store.get("labels", each)["name"] for each in labels} == {"tiered.rollback", "tier 2"}


def test_what_drifted_is_told_in_check_mode_and_left_as_it_is(made: Site) -> None:
    template = made.awx.one("job_templates", "verify")
    made.awx.store.update("job_templates", template["id"], {"description": "somebody was here"})
    before = len(made.awx.store.changes)
    # An administrator of the organization is enough once what only the system's makes is there.
    done = made.run("--check", token=OWNER, playbooks=FEW).ok()
    assert made.awx.store.changes[before:] == []
    assert done.recap["changed"] == 1
    assert "changed: [localhost] => (item=verify)" in done.task("Make the job templates")
    made.awx.store.update("job_templates", template["id"], {"description": template["description"]})


def test_check_mode_says_what_would_be_made_and_makes_nothing(empty: Site) -> None:
    done = empty.run("--check").ok()
    assert empty.awx.store.changes == []
    assert done.recap["changed"] == 1
    for name in ("tier1-emergency", "Tier 2 rollback: approve", "Sync the playbooks", "Rollback tokens"):
        assert name in done.said


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("token", "Invalid authentication credentials for /api/v2/me/ (HTTP 401)"),
        ("unreachable", "AWX cannot be used: "),
        ("rights", "olga may not do this in AWX: organization Rollback is to be made; credential type Rollback tokens"),
        ("setup", "awx_setup.approval_timeout is 0"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(empty: Site, case: str, said: str) -> None:
    run: dict[str, dict[str, Any]] = {
        "token": {"token": "not-a-token-of-anybody"},
        "unreachable": {"url": "http://127.0.0.1:9"},
        "rights": {"token": OWNER},
        "setup": {"approval_timeout": 0},
    }
    done = empty.run(**run[case])
    assert done.rc != 0
    assert said in done.said
    assert "HINT: " in done.said
    assert empty.awx.store.changes == []


# --- what it does ---------------------------------------------------------------------------------------------------


def test_a_version_is_all_that_the_api_needs(made: Site) -> None:
    operator = made.client(OPERATOR)
    status, answer = operator.launch("job_templates", "tier1-emergency", version="previous")
    assert (status, answer["ignored_fields"]) == (201, {})
    assert made.awx.jobs.jobs[answer["job"]].variables == {"version": "previous"}
    assert operator.launch("workflow_job_templates", "Tier 1 rollback", version="previous")[0] == 201
    refused = operator.launch("job_templates", "tier1-emergency", reason="slow")
    assert refused == (400, {"variables_needed_to_start": ["'version' value missing"]})
    assert operator.launch("job_templates", "drill", version="v1")[0] == 403


def _jobs(made: Site, since: int) -> list[tuple[str, str | None]]:
    return [(job.of, job.prompts.get("job_type")) for key, job in made.awx.jobs.jobs.items() if key > since]


def _pending(made: Site, workflow: int) -> int:
    (number,) = [
        job.id for job in made.awx.jobs.approvals.values() if (job.workflow, job.status) == (workflow, "pending")
    ]
    return number


def test_an_approval_that_nobody_gives_fails_its_workflow_and_holds_up_nobody(made: Site) -> None:
    operator, jobs = made.client(OPERATOR), made.awx.jobs
    begin = made.awx.store.new_id()
    waiting = [
        operator.launch("workflow_job_templates", "Tier 2 rollback", version="v1")[1]["workflow_job"]
        for _number in "ab"
    ]
    assert [jobs.workflows[number].status for number in waiting] == ["running"] * 2
    assert _jobs(made, begin) == [("tier2-standard", "check")] * 2, "it is assessed, and not done"
    emergency = operator.launch("workflow_job_templates", "Tier 1 rollback", version="v1")[1]["workflow_job"]
    assert jobs.workflows[emergency].status == "successful"
    assert _jobs(made, begin)[2:] == [("tier1-emergency", None), ("verify", None)]
    made.awx.tick(1799)
    assert [jobs.workflows[number].status for number in waiting] == ["running"] * 2
    made.awx.tick(1)
    assert [jobs.workflows[number].status for number in waiting] == ["failed"] * 2
    assert len(_jobs(made, begin)) == 4


def test_who_may_launch_may_not_approve_nor_the_other_way_round_and_an_approved_run_says_so(made: Site) -> None:
    operator, approver, jobs = made.client(OPERATOR), made.client(APPROVER), made.awx.jobs
    assert approver.launch("workflow_job_templates", "Tier 2 rollback", version="v1")[0] == 403
    begin = made.awx.store.new_id()
    given = {"version": "v1", "severity": "P1", "approved_by": "mallory"}
    workflow = operator.launch("workflow_job_templates", "Tier 2 rollback", **given)[1]["workflow_job"]
    approval = f"workflow_approvals/{_pending(made, workflow)}/approve/"
    assert operator.call("POST", approval)[0] == 403
    assert approver.call("POST", approval)[0] == 204
    assert jobs.workflows[workflow].status == "successful"
    assert _jobs(made, begin) == [("tier2-standard", "check"), ("tier2-standard", None), ("verify", None)]
    run = next(job for key, job in jobs.jobs.items() if key > begin and (job.of, job.prompts) == ("tier2-standard", {}))
    assert run.variables == {"version": "v1", "severity": "P1", "approved_by": _enforcement.IN_AWX}


def test_nobody_is_asked_to_approve_what_cannot_be_done(made: Site) -> None:
    made.awx.jobs.failing.add("tier2-standard")
    try:
        done = made.client(OPERATOR).launch("workflow_job_templates", "Tier 2 rollback", version="v9")[1]
    finally:
        made.awx.jobs.failing.clear()
    assert made.awx.jobs.workflows[done["workflow_job"]].status == "failed"
    assert not [job for job in made.awx.jobs.approvals.values() if job.workflow == done["workflow_job"]]


# --- the stand-in, and what it is asked by --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("DTSTART;TZID=UTC:20260101T030000 RRULE:FREQ=MONTHLY;BYDAY=-1FR", "INTERVAL required in rrule"),
        ("DTSTART;TZID=UTC:20260101T030000 RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=5FR", "numeric prefix not supported"),
        ("DTSTART:20260101T030000 RRULE:FREQ=DAILY;INTERVAL=1", "Valid DTSTART required"),
    ],
)
def test_the_stand_in_refuses_rules_that_awx_refuses(made: Site, rule: str, said: str) -> None:
    of = made.awx.one("job_templates", "drill")["id"]
    status, answer = made.client(ADMIN).call("POST", "schedules/", name="x", unified_job_template=of, rrule=rule)
    assert status == 400
    assert said in answer["rrule"][0]


def test_in_the_stand_in_one_that_waits_holds_up_the_next_unless_that_is_allowed(made: Site) -> None:
    template = made.awx.one("workflow_job_templates", "Tier 2 rollback")["id"]
    operator, jobs = made.client(OPERATOR), made.awx.jobs
    made.awx.store.update("workflow_job_templates", template, {"allow_simultaneous": False})
    try:
        first, second = (
            operator.launch("workflow_job_templates", "Tier 2 rollback", version="v1")[1]["workflow_job"] for _n in "ab"
        )
        assert (jobs.workflows[first].status, jobs.workflows[second].status) == ("running", "pending")
        made.awx.tick(1800)
        assert (jobs.workflows[first].status, jobs.workflows[second].status) == ("failed", "running")
        made.awx.tick(1800)
    finally:
        made.awx.store.update("workflow_job_templates", template, {"allow_simultaneous": True})


class _Captured(Exception):
    """Carries the argument specification of a module of awx.awx."""


def _specification(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{name}")

    def capture(argument_spec: dict[str, Any], **_others: Any) -> None:
        raise _Captured(argument_spec)

    monkeypatch.setattr(module, "ControllerAPIModule", capture)
    with pytest.raises(_Captured) as caught:
        module.main()
    return dict(caught.value.args[0])


def _calls() -> list[tuple[str, dict[str, Any]]]:
    tasks = [task for path in TASKS for task in yaml.safe_load(path.read_text(encoding="utf-8"))]
    return [(key.removeprefix("awx.awx."), task[key]) for task in tasks for key in task if key.startswith("awx.awx.")]


@pytest.mark.parametrize(("name", "arguments"), _calls(), ids=lambda each: each if isinstance(each, str) else "")
def test_each_task_gives_its_module_what_that_takes(
    name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    specification = _specification(name, monkeypatch)
    assert set(arguments) <= set(specification)
    assert {option for option, spec in specification.items() if spec.get("required")} <= set(arguments)
    for option, value in arguments.items():
        if not (isinstance(value, str) and "{{" in value):
            assert value in specification[option].get("choices", [value])
            assert isinstance(value, bool) is (specification[option].get("type") == "bool")


def test_the_stand_in_has_no_field_that_its_client_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    # What AWX itself fills in, or calls by another name than the module.
    own = {"scm_revision", "status", "managed", "unified_job_template", "extra_data"}
    called = {"workflow_approval_templates": "workflow_job_template_node"}
    plural = {"inventories": "inventory"}
    for resource, table in tables.RESOURCES.items():
        name = called.get(resource) or plural.get(resource) or resource.removesuffix("s")
        options = {*_specification(name, monkeypatch), "name", "description"}
        assert {*table.fields, *table.lists} - own <= options, resource
