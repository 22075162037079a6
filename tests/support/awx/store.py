# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the stand-in, as the API shows, filters and takes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.tests.support.awx import rules
from ansible_collections.tiered.rollback.tests.support.awx.rules import Refused
from ansible_collections.tiered.rollback.tests.support.awx.tables import ENCRYPTED, RESOURCES, SECRETS, UNIFIED

_PAGE = 25


class Store:
    """All objects by resource and id; ids are unique across resources, as those of unified job templates are in AWX."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in RESOURCES}
        #: Members of related lists, in order, by resource, id and list.
        self.members: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[int, dict[str, Any]] = {}
        #: What changed anything.
        self.changes: list[str] = []
        self._ids = 0

    def new_id(self) -> int:
        """Return the next id."""
        self._ids += 1
        return self._ids

    def create(self, resource: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object."""
        table = RESOURCES[resource]
        absent = [name for name in table.required if given.get(name) in (None, "")]
        if absent:
            raise Refused(400, {name: ["This field is required."] for name in absent})
        made = {**copy.deepcopy(dict(table.fields)), **{key: given[key] for key in table.fields if key in given}}
        self._check(resource, made, None)
        number = self.new_id()
        self.objects[resource][number] = made
        self.changes.append(f"POST {resource} {number}")
        return self.show(resource, number)

    def update(self, resource: str, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Change an object."""
        before = self.get(resource, number)
        made = {**before, **{key: given[key] for key in RESOURCES[resource].fields if key in given}}
        self._check(resource, made, number)
        if made != before:
            self.objects[resource][number] = made
            self.changes.append(f"PATCH {resource} {number}")
        return self.show(resource, number)

    def get(self, resource: str, number: int) -> dict[str, Any]:
        """Return the fields of an object."""
        if resource not in self.objects or number not in self.objects[resource]:
            raise Refused(404, {"detail": "Not found."})
        return self.objects[resource][number]

    def home(self, number: int) -> str:
        """Return the resource of a unified job template."""
        for name in UNIFIED:
            if number in self.objects[name]:
                return name
        raise Refused(400, {"unified_job_template": [f'Invalid pk "{number}" - object does not exist.']})

    def _check(self, resource: str, made: Mapping[str, Any], number: int | None) -> None:
        table = RESOURCES[resource]
        for field, of in table.refers.items():
            home = self.home(made[field]) if made[field] and of == "unified_job_templates" else of
            if made[field] is not None and made[field] not in self.objects[home]:
                raise Refused(400, {field: [f'Invalid pk "{made[field]}" - object does not exist.']})
        others = [each for key, each in self.objects[resource].items() if key != number]
        rules.unique(table.unique, made, others)
        if resource == "schedules":
            rules.check_rule(made["rrule"])
        if resource in ("schedules", "workflow_job_template_nodes") and made["unified_job_template"]:
            template = self.get(self.home(made["unified_job_template"]), made["unified_job_template"])
            rules.check_prompts(template, self.surveys.get(made["unified_job_template"], {}), made)

    def show(self, resource: str, number: int) -> dict[str, Any]:
        """Return an object as the API shows it."""
        table, fields = RESOURCES[resource], self.get(resource, number)
        url = f"/api/v2/{resource}/{number}/"
        related = {name: f"{url}{name}/" for name in (*table.lists, *table.views)}
        summary: dict[str, Any] = {}
        for field, of in table.refers.items():
            if fields[field] is not None:
                home = self.home(fields[field]) if of == "unified_job_templates" else of
                related[field] = f"/api/v2/{home}/{fields[field]}/"
                summary[field] = {"id": fields[field], "name": self.get(home, fields[field])["name"]}
        return {
            "id": number,
            "type": table.type,
            "url": url,
            "related": related,
            "summary_fields": summary,
            **self._hidden(resource, fields),
        }

    @staticmethod
    def _hidden(resource: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        shown = copy.deepcopy(dict(fields))
        if resource == "notification_templates":
            configuration = shown["notification_configuration"]
            for name in SECRETS.get(shown["notification_type"], ()):
                if configuration.get(name):
                    configuration[name] = ENCRYPTED
        return shown

    def listed(self, resource: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of a list."""
        names = UNIFIED if resource == "unified_job_templates" else (resource,)
        shown = [self.show(name, number) for name in names for number in self.objects[name]]
        filters = {key: value for key, value in query.items() if key not in ("page", "page_size")}
        either = {key[4:]: value for key, value in filters.items() if key.startswith("or__")}
        every = {key: value for key, value in filters.items() if not key.startswith("or__")}
        found = [
            each
            for each in shown
            if all(self._is(each, key, value) for key, value in every.items())
            and (not either or any(self._is(each, key, value) for key, value in either.items()))
        ]
        return self.page(f"/api/v2/{resource}/", found, query)

    def _is(self, shown: Mapping[str, Any], path: str, value: str) -> bool:
        field, _dots, rest = path.partition("__")
        if field == "organization" and field not in shown:
            # Every unified job template may be asked for it.
            return False
        if field not in shown:
            raise Refused(400, {"detail": f"{shown['type']} has no field named '{field}'"})
        if not rest:
            return str(shown[field]) == value
        if shown[field] is None:
            return False
        of = shown["related"][field].split("/")
        return self._is(self.show(of[3], int(of[4])), rest, value)

    @staticmethod
    def page(url: str, found: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of objects, with the way to the next."""
        size, number = min(int(query.get("page_size", _PAGE)), 200), int(query.get("page", 1))
        rest = "&".join(f"{key}={value}" for key, value in query.items() if key != "page")
        more = number * size < len(found)
        return {
            "count": len(found),
            "next": f"{url}?page={number + 1}{'&' if rest else ''}{rest}" if more else None,
            "previous": None,
            "results": found[(number - 1) * size : number * size],
        }

    def related(self, resource: str, number: int, name: str) -> list[int]:
        """Return the members of a related list."""
        self.get(resource, number)
        if name not in RESOURCES[resource].lists:
            raise Refused(404, {"detail": "Not found."})
        return self.members.setdefault((resource, number, name), [])

    def associate(self, resource: str, number: int, name: str, given: Mapping[str, Any]) -> None:
        """Put an object into a related list, or take it out."""
        members = self.related(resource, number, name)
        self.get(RESOURCES[resource].lists[name], given["id"])
        if given.get("disassociate"):
            members.remove(given["id"])
        elif given["id"] not in members:
            members.append(given["id"])
        self.changes.append(f"POST {resource} {number} {name}")
