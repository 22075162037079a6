# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches: jobs end at once, workflows go from node to node, approvals wait for an answer or the end of their time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.tests.support.awx import rules
from ansible_collections.tiered.rollback.tests.support.awx.rules import Refused
from ansible_collections.tiered.rollback.tests.support.awx.store import Store
from ansible_collections.tiered.rollback.tests.support.awx.tables import PROMPTS


@dataclass(kw_only=True)
class Job:
    """A job, an approval or a workflow job."""

    id: int
    of: str
    variables: dict[str, Any] = field(default_factory=dict)
    prompts: dict[str, Any] = field(default_factory=dict)
    status: str = "successful"
    #: Of an approval: its workflow job and node, and when it is too late.
    workflow: int | None = None
    node: int | None = None
    expires: float | None = None
    #: Of a workflow job: its template, and what came of each node.
    template: int | None = None
    nodes: dict[int, Job] = field(default_factory=dict)


class Jobs:
    """Every job since the start."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 0.0
        self.jobs: dict[int, Job] = {}
        self.workflows: dict[int, Job] = {}
        self.approvals: dict[int, Job] = {}
        #: Names of job templates whose jobs fail.
        self.failing: set[str] = set()

    def launch(self, number: int, given: Mapping[str, Any]) -> tuple[Job, dict[str, Any]]:
        """Launch a job template as the API does, and return what was ignored beside the job."""
        template = self.store.get("job_templates", number)
        taken, ignored = rules.take_variables(
            template, self.store.surveys.get(number, {}), given.get("extra_vars") or {}
        )
        asked = {name: given[name] for name in PROMPTS if name in given}
        prompts = {name: value for name, value in asked.items() if template[PROMPTS[name]]}
        job = self._job(number, taken, prompts)
        refused = {name: value for name, value in asked.items() if name not in prompts}
        return job, {**({"extra_vars": ignored} if ignored else {}), **refused}

    def _job(self, number: int, variables: Mapping[str, Any], prompts: Mapping[str, Any]) -> Job:
        name = self.store.get("job_templates", number)["name"]
        status = "failed" if name in self.failing else "successful"
        job = Job(id=self.store.new_id(), of=name, variables=dict(variables), prompts=dict(prompts), status=status)
        self.jobs[job.id] = job
        return job

    def launch_workflow(self, number: int, given: Mapping[str, Any]) -> tuple[Job, dict[str, Any]]:
        """Launch a workflow."""
        template = self.store.get("workflow_job_templates", number)
        taken, ignored = rules.take_variables(
            template, self.store.surveys.get(number, {}), given.get("extra_vars") or {}
        )
        limit = {"limit": given["limit"]} if given.get("limit") and template["ask_limit_on_launch"] else {}
        made = Job(id=self.store.new_id(), of=template["name"], variables=taken, prompts=limit, status="pending")
        made.template = number
        self.workflows[made.id] = made
        self.go_on()
        return made, ignored

    def go_on(self) -> None:
        """Start what can start, and let time be up."""
        for approval in self.approvals.values():
            if approval.status == "pending" and approval.expires is not None and approval.expires <= self.now:
                approval.status = "failed"
        for job in self.workflows.values():
            if job.status == "pending" and not self._blocked(job):
                job.status = "running"
            if job.status == "running":
                self._advance(job)

    def _blocked(self, job: Job) -> bool:
        assert job.template is not None
        if self.store.get("workflow_job_templates", job.template)["allow_simultaneous"]:
            return False
        return any(each.template == job.template and each.status == "running" for each in self.workflows.values())

    def _advance(self, job: Job) -> None:
        nodes = self.store.objects["workflow_job_template_nodes"]
        mine = [number for number, each in nodes.items() if each["workflow_job_template"] == job.template]
        begun = True
        while begun:
            begun = False
            for number in mine:
                if number not in job.nodes and self._due(job, number, mine):
                    job.nodes[number] = self._begin(job, number)
                    begun = True
        if all(each.status != "pending" for each in job.nodes.values()):
            unhandled = [
                number
                for number, each in job.nodes.items()
                if each.status == "failed"
                and not self._next(number, "failure_nodes")
                and not self._next(number, "always_nodes")
            ]
            job.status = "failed" if unhandled else "successful"

    def _next(self, number: int, kind: str) -> list[int]:
        return self.store.related("workflow_job_template_nodes", number, kind)

    def _due(self, job: Job, number: int, mine: list[int]) -> bool:
        parents = [
            (each, kind)
            for each in mine
            for kind in ("success_nodes", "failure_nodes", "always_nodes")
            if number in self._next(each, kind)
        ]
        wanted = {
            "success_nodes": ("successful",),
            "failure_nodes": ("failed",),
            "always_nodes": ("successful", "failed"),
        }
        return not parents or any(
            each in job.nodes and job.nodes[each].status in wanted[kind] for each, kind in parents
        )

    def _begin(self, job: Job, number: int) -> Job:
        node = self.store.get("workflow_job_template_nodes", number)
        runs = node["unified_job_template"]
        if runs is None:
            raise AssertionError("a node without a template")
        if runs in self.store.objects["workflow_approval_templates"]:
            template = self.store.get("workflow_approval_templates", runs)
            approval = Job(id=self.store.new_id(), of=template["name"], status="pending", workflow=job.id, node=number)
            # A timeout of 0 means that it waits for ever.
            approval.expires = self.now + template["timeout"] if template["timeout"] else None
            self.approvals[approval.id] = approval
            return approval
        template = self.store.get("job_templates", runs)
        # What the workflow was launched with outranks what the node says.
        variables = {**node["extra_data"], **job.variables}
        prompts = {name: node[name] for name in PROMPTS if node[name]}
        if job.prompts and template["ask_limit_on_launch"]:
            prompts.update(job.prompts)
        try:
            rules.take_variables(template, self.store.surveys.get(runs, {}), variables)
        except Refused:
            made = self._job(runs, variables, prompts)
            made.status = "failed"
            return made
        return self._job(runs, variables, prompts)

    def answer(self, number: int, *, approve: bool) -> None:
        """Approve or deny."""
        approval = self.approvals[number]
        if approval.status != "pending":
            raise Refused(400, {"error": "This workflow step has already been approved or denied."})
        approval.status = "successful" if approve else "failed"
        self.go_on()
