#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_workflow_swap
short_description: Take workflow files of a repository back, in one commit
version_added: 1.0.0
description:
  - Replaces files on a branch with the backups beside them (C(ci.yml.backup)), with what they were at another commit,
    or with contents that are given. All files change in one commit, or none does.
  - Workflow files are validated before there is a commit, by O(checks).
  - The commit is made on top of the branch as it was found. Where somebody pushed in between, nothing is overwritten,
    and the module says so. A protected branch gets a pull request instead.
  - Nobody's clone is touched, and none is needed.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
attributes:
  diff_mode:
    description: Shows the differences of the files, at most 400 lines.
    support: full
options:
  files:
    description:
      - Files to take back, as paths in the repository. The name of a workflow alone means the one below
        C(.github/workflows).
      - Without it, every workflow that has a backup.
    type: list
    elements: str
    default: []
  ref:
    description:
      - The branch, tag or commit (in full) to take the files from. A file that is not there is removed.
    type: str
  contents:
    description: The new contents by file, such as those of a template.
    type: dict
  suffix:
    description: What the name of a backup ends with. Means nothing with O(ref) and O(contents).
    type: str
    default: .backup
  commit_message:
    description: The commit's message. Without it, one that says what was taken from where.
    type: str
  pull_request:
    description: Whether to propose the commit by a pull request; V(auto) does so where the branch is protected.
    type: str
    choices: [auto, always, never]
    default: auto
  via:
    description:
      - V(api) uses the git data API. V(git) uses git over HTTPS and a temporary repository, for a repository with more
        files than the API lists.
    type: str
    choices: [api, git]
    default: api
  checks:
    description:
      - What workflow files are validated by. V(schema) is GitHub's schema, as C(check-jsonschema) has it. V(security)
        is C(zizmor), whose findings may not be worse than before. V(pins) wants each C(uses) pinned to a commit or in
        the same spelling as before.
    type: list
    elements: str
    choices: [schema, security, pins]
    default: [schema, security, pins]
requirements:
  - check-jsonschema and zizmor (Python packages on the target) for the checks of these names
"""

EXAMPLES = r"""
- name: Take every workflow back to the backup beside it
  tiered.rollback.github_workflow_swap:
    github: "{{ rollback_stack.github }}"

- name: Take two files back to what they were at a tag
  tiered.rollback.github_workflow_swap:
    github: "{{ rollback_stack.github }}"
    files: [ci.yml, docker/Dockerfile.test]
    ref: v0.9.0
"""

RETURN = r"""
before:
  description: The commit that the branch was at. O(ref) with it takes the swap back.
  returned: success
  type: str
after:
  description: The commit that was made; RV(before) where nothing had to change, and in check mode.
  returned: success
  type: str
branch:
  description: The branch that has the commit; of a pull request its own.
  returned: success
  type: str
pull_request:
  description: The pull request's page; null where there is none.
  returned: success
  type: str
files:
  description: The files that changed, or would.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: Its path., type: str}
    change: {description: "V(replaced), V(added) or V(removed).", type: str}
    dispatchable: {description: Whether it is a workflow that can be dispatched now., type: bool}
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ci_swap,
    _git_tree,
    _github,
    _github_tree,
    _module,
    _names,
    _workflow,
    _workflow_check,
)
from ansible_collections.tiered.rollback.plugins.module_utils._ci_swap import Contents, Source
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_tree import GitTree
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import ApiTree, Change, Entry

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "files": {"type": "list", "elements": "str", "default": []},
    "ref": {"type": "str"},
    "contents": {"type": "dict"},
    "suffix": {"type": "str", "default": ".backup"},
    "commit_message": {"type": "str"},
    "pull_request": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "via": {"type": "str", "choices": ["api", "git"], "default": "api"},
    "checks": {
        "type": "list",
        "elements": "str",
        "choices": list(_workflow_check.CHECKS),
        "default": list(_workflow_check.CHECKS),
    },
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Take the files back, or in check mode say what that takes."""
    github = _github.given(module.params)
    branch = _github_tree.branch(github)
    if module.params["via"] == "api":
        return _swap(module, github, ApiTree(github), branch)
    with _git_tree.opened(github, module.no_log_values) as tree:
        return _swap(module, github, tree, branch)


def _swap(module: AnsibleModule, github: GitHub, tree: ApiTree | GitTree, branch: str) -> dict[str, Any]:
    params = module.params
    head = tree.head(branch)
    here = tree.entries(head.tree)
    changes, source = _planned(params, tree, here, branch)
    result: dict[str, Any] = {"before": head.commit, "after": head.commit, "branch": branch, "pull_request": None}
    if not changes:
        return {**_module.acted([]), **result, "files": []}
    proposal = _ci_swap.proposal(changes, branch)
    held, open_pull = tree.read(_ci_swap.blobs(changes, here), proposal)
    contents = _ci_swap.contents(changes, here, held)
    _validate(contents, params["checks"])
    proposed = params["pull_request"] == "always" or (params["pull_request"] == "auto" and head.protected)
    told = _told(changes, contents)
    if proposed and open_pull:
        result |= {"branch": proposal, "pull_request": open_pull}
        return {**told, **_module.acted([]), **result}
    if not module.check_mode:
        message = params["commit_message"] or _ci_swap.message(changes, source)
        result["after"] = tree.commit(head, changes, _ci_swap.modes(here), message)
        if proposed:
            tree.place(proposal, result["after"])
            title, _blank, body = message.partition("\n\n")
            result |= {
                "branch": proposal,
                "pull_request": _github_tree.propose(github, branch, proposal, title, body),
            }
        else:
            tree.advance(head, result["after"])
    how = f"propose it for {branch}" if proposed else f"commit it to {branch}"
    acted = _module.acted([*(f"take {each['path']} from {source} ({each['change']})" for each in told["files"]), how])
    return {**acted, **told, **result}


def _planned(
    params: Mapping[str, Any], tree: ApiTree | GitTree, here: dict[str, Entry], branch: str
) -> tuple[dict[str, Change], str]:
    """Return what changes, and where it comes from in words."""
    wanted = _ci_swap.paths(params["files"])
    if params["contents"] is not None:
        return _ci_swap.given(params["contents"], here), "a template"
    if params["ref"]:
        ref = _names.branch(params["ref"], "ref")
        if not wanted:
            raise RollbackError("files is missing", "Say which files to take from ref.")
        source = Source(entries=tree.entries(ref), suffix="", name=ref)
        gone = [path for path in _ci_swap.nowhere(wanted, here, source) if tree.had(path, branch)]
        return _ci_swap.plan(wanted, here, source, gone), ref
    suffix = params["suffix"]
    source = Source(entries=here, suffix=suffix, name=branch)
    wanted = wanted or _ci_swap.kept(here, suffix)
    if not suffix or not wanted:
        raise RollbackError(
            f"{branch} has no workflow with a backup that ends with {suffix!r}", "Give ref instead: a tag or commit."
        )
    return _ci_swap.plan(wanted, here, source), f"*{suffix}"


def _validate(contents: Contents, checks: list[str]) -> None:
    workflows = [path for path in contents.after if _ci_swap.is_workflow(path)]
    before, after = ({path: side[path] for path in workflows} for side in (contents.before, contents.after))
    if not any(after.values()):
        return
    if findings := _workflow_check.validate(before, after, checks):
        told = "; ".join(
            f"{each.file} {each.where}: {each.message} ({each.check}/{each.rule})" for each in findings[:10]
        )
        raise RollbackError(
            f"{len(findings)} findings in the files to swap in: {told}",
            "Nothing was committed. Correct the source, choose another ref, or leave a check out with checks.",
            findings=[vars(each) for each in findings],
        )


def _told(changes: dict[str, Change], contents: Contents) -> dict[str, Any]:
    files = [
        {
            "path": path,
            "change": "removed" if new is None else "added" if contents.before[path] is None else "replaced",
            "dispatchable": _dispatchable(path, contents.after[path]),
        }
        for path, new in changes.items()
    ]
    return {"files": files, "diff": _ci_swap.differences(contents)}


def _dispatchable(path: str, data: bytes | None) -> bool:
    return data is not None and _ci_swap.is_workflow(path) and _workflow.parse(path, data).dispatch is not None


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS, mutually_exclusive=[("ref", "contents"), ("files", "contents")])


if __name__ == "__main__":
    main()
