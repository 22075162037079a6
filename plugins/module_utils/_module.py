# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of this collection begins and ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_UNSHOWN = ("stack", "mcp", "github", "checks")


def acted(actions: Sequence[str]) -> dict[str, Any]:
    """Return what of a module's answer follows from its actions alone, done or foretold."""
    lines = "".join(f"{action}\n" for action in actions)
    return {"changed": bool(actions), "actions": list(actions), "diff": {"before": "", "after": lines}}


class Module(AnsibleModule):
    """Ansible's module, but one that shows nothing of what it was given when that is refused.

    A secret under a key that is misspelt is one that no specification knows to hide.
    """

    def fail_json(self, msg: str, **facts: Any) -> None:
        """Fail, showing of the invocation what *facts* say of it."""
        super().fail_json(msg, **{"invocation": {}, **facts})


def main(act: Callable[[AnsibleModule], dict[str, Any]], options: dict[str, Any], **module_options: Any) -> None:
    """Run a module: *act* returns what is exited with, or raises what is failed with."""
    # The stack may hold tokens for checks: no_log keeps the options out of the target's system log, and the stack is
    # left out of the invocation that -vvv shows. So are checks, and mcp and github, whose URLs may hold a password that
    # is refused only later.
    module = Module(argument_spec=options, supports_check_mode=True, no_log=True, **module_options)
    shown = {"module_args": {name: value for name, value in module.params.items() if name not in _UNSHOWN}}
    try:
        result = act(module)
    except RollbackError as error:
        module.fail_json(msg=str(error), hint=error.hint, invocation=shown, **error.facts)
    except OSError as error:
        hint = _os_hint(error)
        message = f"{error.strerror or error}: {error.filename or ''}"
        module.fail_json(msg=f"{message}\nHINT: {hint}", hint=hint, invocation=shown)
    else:
        module.exit_json(**result, invocation=shown)


def _os_hint(error: OSError) -> str:
    known = {
        28: "The file system is full; free space, then run the command again.",
        13: "Run as a user that may write there (become: true).",
        30: "The file system is read-only; remount it or choose another state_dir.",
    }
    return known.get(error.errno or 0, "The operating system refused; the path says where.")
