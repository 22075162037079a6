# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is to have, generated from the playbooks themselves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: awx_wanted
short_description: Say what AWX is to have
version_added: 1.0.0
author: The tiered.rollback authors (@tiered)
description:
  - Returns job templates, surveys, workflows, schedules and all else that AWX needs to run the playbooks of this
    collection, as arguments of the modules of C(awx.awx). Asks AWX nothing.
  - Surveys are generated from what each playbook takes at launch.
options:
  _terms:
    description: One dictionary, C(awx_setup) of the role C(tiered.rollback.awx).
    required: true
"""

EXAMPLES = r"""
- name: Say which job templates there will be
  ansible.builtin.debug:
    msg: "{{ lookup('tiered.rollback.awx_wanted', awx_setup).job_templates | map(attribute='name') }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary with C(organization), C(credential_types), C(execution_environment), C(labels), C(project),
      C(inventory), C(inventory_source), C(notification_templates), C(job_templates), C(workflows), C(nodes) and
      C(schedules).
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.tiered.rollback.plugins.module_utils import _awx, _awx_setup
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks


class LookupModule(LookupBase):
    """Lookup of this file."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return what is wanted, for each description."""
        try:
            return [_awx.wanted(_awx_setup.parse(term), _playbooks.read()) for term in terms]
        except RollbackError as error:
            raise AnsibleLookupError(str(error)) from error
