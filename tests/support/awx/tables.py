# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each resource of the API has: fields with their defaults, what they refer to, and what is related."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What a schedule or a workflow's node may say for a launch, and the setting of the template that allows it.
PROMPTS = {"job_type": "ask_job_type_on_launch", "limit": "ask_limit_on_launch", "diff_mode": "ask_diff_mode_on_launch"}
_TOLD = tuple(f"notification_templates_{event}" for event in ("started", "success", "error"))


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of object.

    :param fields: with their defaults; a POST or PATCH of anything else is ignored, as Django's REST framework does.
    :param required: fields that a POST has to give.
    :param unique: fields that no two objects may share.
    :param refers: fields that hold the id of another object, with the resource that it is of.
    :param lists: related lists, with the resource of their members.
    :param views: other related paths.
    """

    type: str
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ("name",)
    unique: tuple[str, ...] = ("name", "organization")
    refers: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    views: tuple[str, ...] = ()


def _fields(null: str, blank: str = "", false: str = "", **others: Any) -> dict[str, Any]:
    """Return fields with their defaults; those of a kind are named in one text."""
    return {
        **dict.fromkeys(null.split()),
        **dict.fromkeys(blank.split(), ""),
        **dict.fromkeys(false.split(), False),
        **others,
    }


_ORGANIZATION = {"organization": "organizations"}
_NOTIFIED = dict.fromkeys(_TOLD, "notification_templates")
_LABELLED = {"labels": "labels", **_NOTIFIED}

RESOURCES: Mapping[str, Resource] = {
    "organizations": Resource(
        type="organization", fields=_fields("name", "description"), unique=("name",), lists=_NOTIFIED
    ),
    "credential_types": Resource(
        type="credential_type",
        fields=_fields("name kind", "description", "managed", inputs={}, injectors={}),
        required=("name", "kind"),
        unique=("name", "kind"),
    ),
    "execution_environments": Resource(
        type="execution_environment",
        fields=_fields("name organization image credential", "description pull"),
        required=("name", "image"),
        unique=("name",),
        refers=_ORGANIZATION,
    ),
    "labels": Resource(
        type="label",
        fields=_fields("name organization"),
        required=("name", "organization"),
        refers=_ORGANIZATION,
    ),
    "projects": Resource(
        type="project",
        fields=_fields(
            "name organization credential default_environment",
            "description scm_type scm_url scm_branch scm_revision",
            "scm_update_on_launch",
        ),
        refers={**_ORGANIZATION, "default_environment": "execution_environments"},
        views=("update",),
    ),
    "inventories": Resource(
        type="inventory",
        fields=_fields("name organization host_filter", "description kind variables"),
        required=("name", "organization"),
        refers=_ORGANIZATION,
    ),
    "inventory_sources": Resource(
        type="inventory_source",
        fields=_fields(
            "name inventory source source_project execution_environment credential",
            "description source_path source_vars",
            "overwrite overwrite_vars update_on_launch",
            status="never updated",
        ),
        required=("name", "inventory", "source"),
        unique=("name", "inventory"),
        refers={
            "inventory": "inventories",
            "source_project": "projects",
            "execution_environment": "execution_environments",
        },
        views=("update",),
    ),
    "notification_templates": Resource(
        type="notification_template",
        fields=_fields("name organization notification_type notification_configuration messages", "description"),
        required=("name", "organization", "notification_type", "notification_configuration"),
        refers=_ORGANIZATION,
    ),
    "job_templates": Resource(
        type="job_template",
        fields=_fields(
            "name organization inventory project execution_environment",
            "description playbook extra_vars limit",
            " ".join(["survey_enabled allow_simultaneous ask_variables_on_launch", *PROMPTS.values()]),
            job_type="run",
        ),
        required=("name", "project", "playbook"),
        refers={
            **_ORGANIZATION,
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        lists={**_LABELLED, "credentials": "credentials"},
        views=("survey_spec", "launch"),
    ),
    "workflow_job_templates": Resource(
        type="workflow_job_template",
        fields=_fields(
            "name organization limit",
            "description extra_vars",
            "survey_enabled allow_simultaneous ask_limit_on_launch ask_variables_on_launch",
        ),
        refers=_ORGANIZATION,
        lists={**_LABELLED, "notification_templates_approvals": "notification_templates"},
        views=("survey_spec", "launch"),
    ),
    "workflow_job_template_nodes": Resource(
        type="workflow_job_template_node",
        fields=_fields(
            " ".join(["identifier workflow_job_template unified_job_template", *PROMPTS]),
            false="all_parents_must_converge",
            extra_data={},
        ),
        required=("identifier", "workflow_job_template"),
        unique=("identifier", "workflow_job_template"),
        refers={"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        lists=dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
        views=("create_approval_template",),
    ),
    "workflow_approval_templates": Resource(
        type="workflow_approval_template", fields=_fields("name", "description", timeout=0), unique=()
    ),
    "schedules": Resource(
        type="schedule",
        fields=_fields(
            " ".join(["name unified_job_template rrule", *PROMPTS]), "description", enabled=True, extra_data={}
        ),
        required=("name", "unified_job_template", "rrule"),
        unique=("name", "unified_job_template"),
        refers={"unified_job_template": "unified_job_templates"},
    ),
    "credentials": Resource(
        type="credential",
        fields=_fields("name organization credential_type", "description", inputs={}),
        required=("name", "credential_type"),
        unique=("name", "organization", "credential_type"),
        refers={**_ORGANIZATION, "credential_type": "credential_types"},
    ),
}
#: What can be launched, scheduled, or be a workflow's node.
UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates", "workflow_approval_templates")
#: Fields of a notification's configuration that AWX keeps encrypted, by type.
SECRETS = {"slack": ("token",), "webhook": ("password",), "email": ("password",), "pagerduty": ("token",)}
ENCRYPTED = "$encrypted$"
