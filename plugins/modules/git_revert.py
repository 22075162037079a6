#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_revert
short_description: Undo commits on a branch of a git remote
version_added: 1.0.0
description:
  - Reverts a range, single commits, or everything since the last stable commit, or brings paths back to how they were
    there, and pushes once. History is never rewritten.
  - A merge is reverted as one step, against its first parent.
  - Where a revert conflicts, or the branch has moved meanwhile, nothing is pushed.
extends_documentation_fragment:
  - tiered.rollback.git
options:
  branch:
    description: Branch whose commits are undone. The default is the remote's own.
    type: str
  range:
    description:
      - C(A..B), from hashes, tags, branches, or expressions on them; C(HEAD) is the branch. C(A) itself stays.
      - One that is relative to the branch means other commits when it is run again; O(expect) guards against that.
    type: str
  commits:
    description: Single commits. They are reverted from the newest to the oldest, in whatever order they are named.
    type: list
    elements: str
  to:
    description:
      - The stable commit; everything after it is reverted, or with O(paths) these are as they were there.
      - Of several that match, the newest counts. Only states of the branch itself do, so a merge and not what it
        brought in.
    type: dict
    suboptions:
      commit:
        description: The commit itself.
        type: str
      tag:
        description: Pattern of tags that mark a commit as stable, such as V(ci-stable-*).
        type: str
      trailer:
        description: Trailer of the commit message, such as V(CI-Stable) with any value, or V(CI-Stable:true).
        type: str
      message_regex:
        description: POSIX extended regular expression that a line of the commit message matches.
        type: str
  paths:
    description: Files or directories, from the top of the repository, that go back to O(to) in one commit.
    type: list
    elements: str
  rollback_branch:
    description:
      - Branch that is made for the new commits, for a pull request. O(branch) itself stays where it is then.
      - One of this name that holds something else is not overwritten.
    type: str
  reason:
    description: What each commit says below its title. The default names O(run), if that is given.
    type: str
  run:
    description: Who runs what, as M(tiered.rollback.launch) returns it in RV(tiered.rollback.launch#module:run).
    type: dict
"""

EXAMPLES = r"""
- name: Undo everything since the last commit that was tagged as stable
  tiered.rollback.git_revert:
    repository: https://github.com/acme/udo.git
    token: "{{ vault_github_token }}"
    to:
      tag: ci-stable-*
  register: reverted

- name: Take that back
  tiered.rollback.git_revert:
    repository: https://github.com/acme/udo.git
    token: "{{ vault_github_token }}"
    branch: "{{ reverted.undo.branch }}"
    range: "{{ reverted.undo.range }}"
  when: reverted.undo is not none

- name: Bring the workflows back, on a branch for a pull request
  tiered.rollback.git_revert:
    repository: /opt/udo
    branch: main
    to:
      trailer: "CI-Stable: true"
    paths: [.github/workflows/ci.yml, Dockerfile.test]
    rollback_branch: rollback-p3-007-20261121
"""

RETURN = r"""
branch:
  description: The branch whose commits are undone.
  returned: success
  type: str
before:
  description: Its commit at the beginning.
  returned: success
  type: str
after:
  description: The newest of the new commits, or RV(before) where there are none; null in check mode if there would be.
  returned: success
  type: str
pushed_to:
  description: The branch that holds the new commits, or would; null where there are none.
  returned: success
  type: str
reverted:
  description: C(commit) and C(subject) of what was reverted, newest first. Empty with O(paths).
  returned: success
  type: list
  elements: dict
files:
  description: Paths that differ since.
  returned: success
  type: list
  elements: str
stable:
  description: C(commit) and C(subject) of the stable commit, and C(found_by), what marks it; null without O(to).
  returned: success
  type: dict
undo:
  description: O(branch) and O(range) that take it back; null where nothing was pushed.
  returned: success
  type: dict
conflicts:
  description: Paths that conflict.
  returned: failure because of a conflict
  type: list
  elements: str
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
    _git_change,
    _git_history,
    _git_remote,
    _module,
    _run,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_history import Commit
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote

_WAYS = ("range", "commits", "to")
OPTIONS: dict[str, dict[str, Any]] = {
    **_git_remote.OPTIONS,
    "branch": {"type": "str"},
    "range": {"type": "str"},
    "commits": {"type": "list", "elements": "str"},
    "to": {"type": "dict", "options": _git_history.STABLE_SPEC},
    "paths": {"type": "list", "elements": "str"},
    "rollback_branch": {"type": "str"},
    "reason": {"type": "str"},
    "run": {"type": "dict"},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Undo the commits, or in check mode say which."""
    params, masked = module.params, module.no_log_values
    with _git_remote.opened(params["repository"], params["token"], params["author"], masked) as remote:
        branch, tip = remote.begin(params["branch"], params["expect"])
        stable, found_by = _git_history.stable(remote, params["to"], tip, branch) if params["to"] else (None, "")
        reverted: list[Commit] = []
        _git_change.place(remote, tip)
        if stable and params["paths"] is not None:
            _git_change.restore(remote, stable, params["paths"], _note(params))
            actions = [f"bring {', '.join(params['paths'])} back to {stable.describe()}"]
        else:
            commits = _selected(params, remote, stable, branch, tip)
            remote.fetch_contents([commit.sha for commit in commits])
            reverted = [commit for commit in commits if _git_change.revert(remote, commit, _note(params))]
            actions = [f"revert {commit.describe()}" for commit in reverted]
        result = {
            "branch": branch,
            "before": tip,
            "stable": {**stable.facts(), "found_by": found_by} if stable else None,
        }
        head = _git_change.head(remote)
        if remote.tree(head) == remote.tree(tip):
            return result | _unchanged(tip, None)
        target = params["rollback_branch"] or branch
        seen = tip if target == branch else remote.tip(target)
        if target != branch and seen:
            _refuse_other(remote, target, seen, tip, head)
            return result | _unchanged(seen, target)
        if not module.check_mode:
            remote.push(head, target, seen)
        after = None if module.check_mode else head
        return {
            **result,
            **_module.acted([*actions, f"push to {target}"]),
            **_git_change.told(remote, tip, head),
            "after": after,
            "pushed_to": target,
            "reverted": [commit.facts() for commit in reverted],
            "undo": _git_change.undo(target, tip, after),
        }


def _selected(params: Mapping[str, Any], remote: Remote, stable: Commit | None, branch: str, tip: str) -> list[Commit]:
    """Return the commits that are asked for and not undone yet, newest first."""
    if stable:
        return _git_history.line(remote, _git_history.latest_like(remote, stable, tip), tip, branch)
    if params["commits"] is not None:
        wanted = _git_history.of_names(remote, params["commits"], tip, branch)
    else:
        begin, wanted = _git_history.of_range(remote, params["range"], tip, branch)
        if _git_history.is_taken_back(remote, begin, wanted[0].sha, tip):
            return []
    undone = _git_history.undone(remote, tip)
    return [commit for commit in wanted if commit.sha not in undone]


def _note(params: Mapping[str, Any]) -> str:
    """Return what each commit says of its cause."""
    if params["reason"] or not params["run"]:
        return params["reason"] or ""
    run = _run.given(params["run"])
    return f"Rollback run {run.id} ({run.playbook}) by {run.user}@{run.host}: {run.reason or 'reason not stated'}"


def _refuse_other(remote: Remote, target: str, seen: str, tip: str, head: str) -> None:
    """Refuse a rollback branch that is there already, unless it holds what this would push."""
    if not (remote.contains(seen, tip) and remote.tree(seen) == remote.tree(head)):
        raise RollbackError(
            f"{target} is there already and holds something else ({seen[:12]})",
            "It was not overwritten. Choose another rollback_branch, or remove that one.",
        )


def _unchanged(after: str, pushed_to: str | None) -> dict[str, Any]:
    nothing: dict[str, Any] = {"reverted": [], "files": [], "undo": None}
    return {**_module.acted([]), **nothing, "after": after, "pushed_to": pushed_to}


def main() -> None:
    """Run the module."""
    _module.main(
        act,
        OPTIONS,
        required_one_of=[_WAYS],
        mutually_exclusive=[_WAYS],
        required_by={"paths": "to"},
    )


if __name__ == "__main__":
    main()
