#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_cherry_pick
short_description: Take commits onto a fix branch of a git remote, each of them validated
version_added: 1.0.0
description:
  - Takes commits over one by one, validates the result of each, and pushes it before the next. What is validated stays
    when a later one fails.
  - A commit that the branch has already is left out, whether by itself, picked or as an equal patch. One that was
    reverted since is taken again.
  - A merge is taken as what it changed in its first parent.
extends_documentation_fragment:
  - tiered.rollback.git
options:
  branch:
    description: The fix branch. It is made from O(base) with the first commit.
    type: str
    required: true
  base:
    description: Branch that a new fix branch begins at. The default is the remote's own.
    type: str
  commits:
    description: The commits, in the order in which they are taken. Those of any branch of the remote can be named.
    type: list
    elements: str
    required: true
  validate:
    description:
      - Commands, each a list of arguments that no shell reads, run in a fresh work tree after each commit. A non-zero
        exit is a failure, and the commit is not pushed.
      - Check mode runs them too, since they decide what would be pushed. They are not given the token.
    type: list
    elements: list
    default: []
  timeout:
    description: Seconds that one command may take.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Take two fixes onto a branch, as far as the tests pass
  tiered.rollback.git_cherry_pick:
    repository: https://github.com/acme/udo.git
    token: "{{ vault_github_token }}"
    branch: fix-p3-007-issues
    commits: [2f1c7d8, 9ab04e1]
    validate:
      - [make, quick-check]
      - [docker, compose, -f, docker-compose.test.yml, config, --quiet]
"""

RETURN = r"""
branch:
  description: The fix branch.
  returned: success
  type: str
before:
  description: Commit of the fix branch at the beginning, or of the branch that a new one begins at.
  returned: success
  type: str
after:
  description: Commit of the fix branch at the end; RV(before) where nothing changed, null in check mode if it would.
  returned: success
  type: str
pushed_to:
  description: O(branch), or null where nothing is pushed.
  returned: success
  type: str
picked:
  description: C(commit) and C(subject) of what was taken and pushed, or would be; after a failure, until then.
  returned: always
  type: list
  elements: dict
skipped:
  description: C(commit) and C(subject) of what the branch has already.
  returned: success
  type: list
  elements: dict
files:
  description: Paths that differ since.
  returned: success
  type: list
  elements: str
undo:
  description: C(branch) and C(range) for M(tiered.rollback.git_revert) that take it back; null if nothing was pushed.
  returned: always
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

from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _command,
    _git_change,
    _git_history,
    _git_remote,
    _module,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_history import Commit
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote

OPTIONS: dict[str, dict[str, Any]] = {
    **_git_remote.OPTIONS,
    "branch": {"type": "str", "required": True},
    "base": {"type": "str"},
    "commits": {"type": "list", "elements": "str", "required": True},
    "validate": {"type": "list", "elements": "list", "default": []},
    "timeout": {"type": "int", "default": 1800},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Take the commits over, or in check mode say which."""
    params, masked = module.params, module.no_log_values
    if not params["commits"] or not all(params["validate"]):
        raise RollbackError("commits, or a command in validate, is empty", "Name a commit, and each command's program.")
    with _git_remote.opened(params["repository"], params["token"], params["author"], masked) as remote:
        branch, seen = params["branch"], remote.tip(params["branch"])
        # Of a branch that somebody expects to be there, its absence is to be told.
        begin = branch if seen or params["expect"] else params["base"]
        start = remote.begin(begin, params["expect"])[1]
        wanted = [_git_history.one(remote, name) for name in params["commits"]]
        remote.fetch_contents([commit.sha for commit in wanted])
        picking = _Picking(module, remote, start, seen, start)
        for commit in wanted:
            picking.take(commit)
        actions = [f"take over {commit.describe()}" for commit in picking.picked]
        return {
            **_module.acted([*actions, f"push to {branch}"] if actions else []),
            **_git_change.told(remote, start, picking.head),
            **picking.facts(),
            "branch": branch,
            "before": start,
            "after": None if actions and module.check_mode else picking.head,
            "pushed_to": branch if actions else None,
            "skipped": [commit.facts() for commit in picking.skipped],
        }


@dataclass
class _Picking:
    """How far it got.

    :param seen: commit of the fix branch at the remote; None: it is not there yet.
    :param head: the newest commit that was validated.
    """

    module: AnsibleModule
    remote: Remote
    start: str
    seen: str | None
    head: str
    picked: list[Commit] = field(default_factory=list)
    skipped: list[Commit] = field(default_factory=list)

    def take(self, commit: Commit) -> None:
        """Take one commit over, or say what has become of those before it."""
        try:
            done = not _git_history.has(self.remote, self.head, commit) and self._pick(commit)
        except RollbackError as error:
            kept = f"; of the commits before it, {len(self.picked)} were taken and stay" if self.picked else ""
            raise RollbackError(f"{error.message}{kept}", error.hint, **{**error.facts, **self.facts()}) from error
        (self.picked if done else self.skipped).append(commit)

    def facts(self) -> dict[str, Any]:
        """Return what was taken, and how that is taken back."""
        pushed = self.head if self.picked and not self.module.check_mode else None
        return {
            "picked": [commit.facts() for commit in self.picked],
            "undo": _git_change.undo(self.module.params["branch"], self.start, pushed),
        }

    def _pick(self, commit: Commit) -> bool:
        _git_change.place(self.remote, self.head)
        if not _git_change.pick(self.remote, commit):
            return False
        made = _git_change.head(self.remote)
        self._validate(commit)
        if not self.module.check_mode:
            self.remote.push(made, self.module.params["branch"], self.seen)
            self.seen = made
        self.head = made
        return True

    def _validate(self, commit: Commit) -> None:
        params = self.module.params
        for command in params["validate"]:
            try:
                _command.run(
                    [str(word) for word in command], cwd=self.remote.directory, timeout=params["timeout"], merged=True
                )
            except (RollbackError, OSError) as error:
                said = error.message if isinstance(error, RollbackError) else f"{command[0]}: {error}"
                raise RollbackError(
                    f"{commit.describe()} is not valid there: {said}",
                    "It was not pushed. Correct it, or take what it needs first, then run the command again.",
                ) from error


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
