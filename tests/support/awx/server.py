# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's paths, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.tiered.rollback.tests.support.awx import rules
from ansible_collections.tiered.rollback.tests.support.awx.jobs import Job, Jobs
from ansible_collections.tiered.rollback.tests.support.awx.rules import Refused
from ansible_collections.tiered.rollback.tests.support.awx.store import Store
from ansible_collections.tiered.rollback.tests.support.awx.tables import RESOURCES
from ansible_collections.tiered.rollback.tests.support.web import Handler, WebServer

_FORBIDDEN = {"detail": "You do not have permission to perform this action."}
_NOT_FOUND = {"detail": "Not found."}
_NOBODY = {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."}
#: Only a system administrator makes these.
_OF_THE_SYSTEM = ("organizations", "credential_types")


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with a token.

    :param administers: organizations, by name.
    :param executes: templates that he may launch, by name.
    :param approves: workflows that he may approve, by name; neither right includes the other.
    """

    name: str
    superuser: bool = False
    administers: tuple[str, ...] = ()
    executes: tuple[str, ...] = ()
    approves: tuple[str, ...] = ()


class Awx(WebServer):
    """The stand-in on a free port.

    :param users: by token.
    :param playbooks: those that a sync of any project finds.
    """

    def __init__(self, users: Mapping[str, User], playbooks: Iterable[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.users, self.playbooks = dict(users), set(playbooks)
        self.store = Store()
        self.jobs = Jobs(self.store)
        #: Updates of projects and inventories that were asked for.
        self.updates: list[tuple[str, int]] = []

    def __enter__(self) -> Awx:
        """Serve."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Serve no more."""
        self.stop()

    def names(self, resource: str) -> list[str]:
        """Return what there is of a resource, by name."""
        return [each["name"] for each in self.store.objects[resource].values()]

    def one(self, resource: str, name: str) -> dict[str, Any]:
        """Return the one of that name as the API shows it."""
        (number,) = [key for key, each in self.store.objects[resource].items() if each["name"] == name]
        return self.store.show(resource, number)

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.jobs.now += seconds
        self.jobs.go_on()

    def answer(self, method: str, path: str, user: User, body: dict[str, Any]) -> tuple[int, Any]:
        """Answer one request."""
        split = urlsplit(path)
        parts = [part for part in split.path.split("/") if part][2:]
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        if parts == ["me"]:
            shown = {"id": 1, "type": "user", "username": user.name, "is_superuser": user.superuser}
            return 200, Store.page("/api/v2/me/", [shown], {})
        if parts[0] in ("jobs", "workflow_jobs", "workflow_approvals", "project_updates", "inventory_updates"):
            return self._job(method, parts, user)
        resource = parts[0]
        if resource not in RESOURCES and resource != "unified_job_templates":
            raise Refused(404, _NOT_FOUND)
        if len(parts) == 1:
            if method == "GET":
                page = self.store.listed(resource, query)
                return 200, {**page, "results": [self._seen(resource, each, user) for each in page["results"]]}
            return 201, self._create(resource, body, user)
        number = int(parts[1])
        self.store.get(resource, number)
        if len(parts) > 2:
            return self._related(method, resource, number, parts[2], body, user, query)
        if method == "GET":
            return 200, self._seen(resource, self.store.show(resource, number), user)
        if method != "PATCH":
            raise Refused(405, {"detail": f'Method "{method}" not allowed.'})
        self._may_change(resource, user, self._organization(resource, self.store.get(resource, number)))
        return 200, self.store.update(resource, number, body)

    @staticmethod
    def _seen(resource: str, shown: dict[str, Any], user: User) -> dict[str, Any]:
        may = user.superuser or shown.get("name") in user.administers
        if resource == "organizations":
            shown["summary_fields"]["user_capabilities"] = {"edit": may, "delete": may}
        return shown

    def _organization(self, resource: str, fields: Mapping[str, Any]) -> str | None:
        if fields.get("organization"):
            return str(self.store.get("organizations", fields["organization"])["name"])
        for field, of in RESOURCES[resource].refers.items():
            if fields.get(field) and field != "organization":
                home = self.store.home(fields[field]) if of == "unified_job_templates" else of
                return self._organization(home, self.store.get(home, fields[field]))
        return None

    @staticmethod
    def _may_change(resource: str, user: User, organization: str | None) -> None:
        if not user.superuser and (resource in _OF_THE_SYSTEM or organization not in user.administers):
            raise Refused(403, _FORBIDDEN)

    def _create(self, resource: str, body: Mapping[str, Any], user: User) -> dict[str, Any]:
        self._may_change(resource, user, self._organization(resource, body))
        if resource == "job_templates" and body.get("playbook") not in self.playbooks:
            raise Refused(400, {"playbook": ["Playbook not found for project."]})
        made = self.store.create(resource, body)
        if resource == "projects":
            self.updates.append((resource, made["id"]))
            made["summary_fields"]["current_update"] = {"id": made["id"], "status": "pending"}
        return made

    def _related(
        self, method: str, resource: str, number: int, name: str, body: Any, user: User, query: Mapping[str, str]
    ) -> tuple[int, Any]:
        table, fields = RESOURCES[resource], self.store.get(resource, number)
        if name in table.lists:
            if method == "GET":
                found = [
                    self.store.show(table.lists[name], each) for each in self.store.related(resource, number, name)
                ]
                return 200, Store.page(f"/api/v2/{resource}/{number}/{name}/", found, query)
            self._may_change(resource, user, self._organization(resource, fields))
            self.store.associate(resource, number, name, body)
            return 204, None
        if name not in table.views:
            raise Refused(404, _NOT_FOUND)
        if name == "launch" and method == "POST":
            return 201, self._launch(resource, number, body, user)
        if method == "GET" and name == "survey_spec":
            return 200, self.store.surveys.get(number, {})
        self._may_change(resource, user, self._organization(resource, fields))
        if name == "survey_spec":
            if method == "POST":
                rules.check_survey(body)
            self.store.surveys[number] = body if method == "POST" else {}
            self.store.changes.append(f"{method} {resource} {number} survey_spec")
            return 200, None
        if name == "create_approval_template":
            made = self.store.create("workflow_approval_templates", body)
            self.store.update(resource, number, {"unified_job_template": made["id"]})
            return 201, made
        kind = "project_updates" if resource == "projects" else "inventory_updates"
        if resource == "inventory_sources":
            fields["status"] = "successful"
        self.updates.append((resource, number))
        return 202, {"id": number, "url": f"/api/v2/{kind}/{number}/", "status": "pending"}

    def _launch(self, resource: str, number: int, body: Mapping[str, Any], user: User) -> dict[str, Any]:
        name = self.store.get(resource, number)["name"]
        organization = self._organization(resource, self.store.get(resource, number))
        if not (user.superuser or organization in user.administers or name in user.executes):
            raise Refused(403, _FORBIDDEN)
        workflow = resource == "workflow_job_templates"
        job, ignored = (self.jobs.launch_workflow if workflow else self.jobs.launch)(number, body)
        return {"workflow_job" if workflow else "job": job.id, "ignored_fields": ignored, **self._shown(job)}

    def _job(self, method: str, parts: list[str], user: User) -> tuple[int, Any]:
        kind, number = parts[0], int(parts[1])
        if kind in ("project_updates", "inventory_updates"):
            done = {"id": number, "status": "successful", "failed": False, "event_processing_finished": True}
            return 200, {**done, "elapsed": 1.0, "started": "then", "finished": "now", "scm_revision": "0" * 40}
        found = getattr(self.jobs, {"workflow_jobs": "workflows", "workflow_approvals": "approvals"}.get(kind, kind))
        if number not in found:
            raise Refused(404, _NOT_FOUND)
        if method == "POST" and kind == "workflow_approvals" and parts[2] in ("approve", "deny"):
            workflow = self.jobs.workflows[found[number].workflow]
            if not user.superuser and workflow.of not in user.approves:
                raise Refused(403, _FORBIDDEN)
            self.jobs.answer(number, approve=parts[2] == "approve")
            return 204, None
        return 200, self._shown(found[number])

    @staticmethod
    def _shown(job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "name": job.of,
            "status": job.status,
            "extra_vars": json.dumps(job.variables),
            **job.prompts,
        }


class _Handler(Handler):
    server: Awx
    # Head and body as one packet: the kernel holds a second small one back until the first is acknowledged.
    wbufsize = -1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        user = self.server.users.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        try:
            if user is None:
                raise Refused(401, _NOBODY)
            status, answer = self.server.answer(self.command, self.path, user, body)
        except Refused as refused:
            status, answer = refused.status, refused.body
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve
