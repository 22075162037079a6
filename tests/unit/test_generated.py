# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is generated is in the tree as it would be generated now, and says what specs and playbooks say."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._awx import Playbook
from ansible_collections.tiered.rollback.tests.documents import generated, markdown, playbooks, roles

ROOT = generated.ROOT
DOCUMENTS = generated.documents()
SOURCE = """\
---
# Does this
# and that.
# Guide: docs/decide.md#ask-the-matrix
# Usage: ansible-playbook a-b.yml -e tier=1
#          [-e days=3]
#    or: ansible-playbook a-b.yml -e x=y
# See docs/auto.md
# too
- name: Do it
  hosts: all
  tasks:
    - name: Do it
      ansible.builtin.import_role:
        name: tiered.rollback.cleanup
      vars:
        a: "{{ rollback_launch.given.days | default(hostvars[inventory_hostname].a | default(30)) }}"
        b: "{{ rollback_launch.given.tier | default('2') }}"
        c: "{{ (rollback_launch.given.service | default(rollback_launch.given.pattern | default(''))) | split(',') }}"
        d: "{{ rollback_launch.given.version | default(omit) }}"
"""
LAUNCH = {"required": ["tier"], "optional": ["days", "service"], "required_by": {"service": ["days"]}}


def page(source: str = SOURCE, launch: dict[str, object] | None = None) -> playbooks.Page:
    return playbooks.parse(Playbook(name="a-b", title="Do it", launch=launch), source, {"cleanup": ["cleanup_x"]})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_in_the_tree_is_what_would_be_generated_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path], "run script/docs --write"


def test_every_role_and_playbook_has_its_place() -> None:
    readmes = {path.parent.name for path in DOCUMENTS if path.parent.parent == ROOT / "roles"}
    assert readmes == {path.name for path in (ROOT / "roles").iterdir()}
    text = DOCUMENTS[ROOT / "docs/playbooks.md"]
    for path in (ROOT / "playbooks").glob("*.yml"):
        assert f"\n## {path.stem.replace('_', '-')}\n" in text


def test_a_changed_specification_changes_the_page_of_the_role() -> None:
    before = roles.read(ROOT / "roles/watch")
    after = copy.deepcopy(before)
    after["main"]["options"]["watch_minutes"]["default"] = 31
    texts = [roles.readme("watch", spec, [], []) for spec in (before, after)]
    assert texts[0] != texts[1]
    assert "| `watch_minutes` | float | `31` | How long to watch. |" in texts[1]


def test_an_option_inside_of_another_has_a_row_with_its_whole_path() -> None:
    inner = {"name": {"type": "str", "description": "Its C(name).", "required": True, "choices": ["a", ""]}}
    options = {
        "one": {"type": "dict", "description": ["First.", "See docs/ci.md."], "options": inner},
        "many": {"type": "list", "elements": "dict", "description": "All.", "default": [], "options": inner},
    }
    assert list(roles.rows(options)) == [
        ("`one`", "dict", "", "First. See [docs/ci.md](../../docs/ci.md)."),
        ("`one.name`", "str", "**required**", "Its `name`. One of `a`."),
        ("`many`", "list of dict", "", "All."),
        ("`many[].name`", "str", "**required**", "Its `name`. One of `a`."),
    ]


def test_who_uses_a_role_is_said_on_its_page() -> None:
    text = DOCUMENTS[ROOT / "roles/verify/README.md"]
    assert "Used by the playbooks [verify.yml](../../docs/playbooks.md#verify)." in text
    assert "Used by the roles [deploy](../deploy/README.md)." in text


def test_markup_that_nothing_here_writes_is_refused_and_not_lost() -> None:
    assert markdown.prose("C(a) of M(tiered.rollback.launch), b") == "`a` of `tiered.rollback.launch`, b"
    with pytest.raises(ValueError, match="is markup that no page here has needed yet"):
        markdown.prose("B(a)")


def test_a_playbook_tells_what_its_comment_and_its_tasks_say() -> None:
    found = page(launch=LAUNCH)
    assert (found.does, found.guide) == ("Does this and that.", "decide.md#ask-the-matrix")
    assert found.remarks == "See docs/auto.md too"
    assert found.usage == (
        "ansible-playbook a-b.yml -e tier=1\n         [-e days=3]\nansible-playbook a-b.yml -e x=y\n"
    )
    assert found.defaults == {"days": "30", "tier": "2"}
    assert (found.roles, found.inventory) == (["cleanup"], [])


def test_what_is_taken_at_launch_is_a_table_with_its_rules() -> None:
    text = playbooks.reference([page(launch=LAUNCH)])
    assert "| `tier` | choice | **required** | Tier | `1`, `2`, `3` |" in text
    assert "| `days` | integer | `30` | Days that displaced databases are kept | a whole number |" in text
    assert "\n- `service` needs `days`.\n" in text
    assert "See [docs/auto.md](auto.md) too." in text
    assert "Role: [cleanup](../roles/cleanup/README.md). How to use it: [decide.md](decide.md#ask-the-matrix)." in text


def test_where_nothing_is_taken_at_launch_the_inventory_is_told() -> None:
    text = playbooks.reference([page()])
    assert "It needs in the inventory: `cleanup_x`." in text
    assert "but for those that take nothing at launch (`a-b.yml`):" in text
    assert "[How](docs/decide.md#ask-the-matrix) | in the inventory: `cleanup_x` |" in playbooks.overview([page()])


def test_a_playbook_that_does_not_say_what_it_does_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the comment of a-b\.yml has to say what it does"):
        page("---\n# Usage: ansible-playbook a-b.yml\n- name: Do it\n")


def test_the_readme_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="two markers"):
        generated.with_overview("# Nothing", "| table |")
