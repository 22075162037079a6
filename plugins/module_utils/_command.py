# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as argument lists, with a time limit and an error that quotes what the command said."""

from __future__ import annotations

import os
import subprocess  # nosec B404  # arguments are a list, and none goes through a shell
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

# A git hook has them, and whatever git it starts elsewhere would work on the hook's repository.
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")


class CommandError(RollbackError):
    """A command that was run and failed.

    :param code: its exit code, negative for the signal that ended it.
    """

    def __init__(self, message: str, hint: str, *, code: int) -> None:
        super().__init__(message, hint)
        self.code = code


def run(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    timeout: float = 60,
    hint: str = "",
    stdin: str = "",
    merged: bool = False,
    umask: int = -1,
    accept: Collection[int] = (0,),
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command without a shell and return its standard output.

    :param stdin: what it reads from standard input.
    :param merged: return what it writes to standard error too, in the order that both were written.
    :param timeout: seconds, then the command is killed.
    :param umask: for the files it makes; -1: the caller's.
    :param accept: the exit codes that are no failure.
    :param env: variables beside those of the caller; the place for a secret.
    :raises CommandError: when it exits with another code.
    :raises RollbackError: when it is not installed or takes too long.
    """
    try:
        done = subprocess.run(  # nosec B603  # no shell
            list(argv),
            cwd=cwd,
            timeout=timeout,
            check=False,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            errors="replace",
            umask=umask,
            env=_environment(cwd) | dict(env or {}),
        )
    except FileNotFoundError as error:
        raise RollbackError(f"cannot run {argv[0]}: {error}", f"Install {argv[0]} on the target host.") from error
    except subprocess.TimeoutExpired as error:
        raise RollbackError(f"{' '.join(argv[:3])} took longer than {timeout:.0f} s", hint) from error
    if done.returncode not in accept:
        said = ((done.stderr or "").strip() or done.stdout.strip())[-1500:]
        message = f"{' '.join(argv[:3])} failed ({done.returncode}): {said}"
        raise CommandError(message, hint, code=done.returncode)
    return done.stdout


def read(argv: Sequence[str], *, timeout: float = 60) -> bytes:
    """Run a command that prints a file, and return that byte for byte."""
    try:
        done = subprocess.run(  # nosec B603  # no shell
            list(argv), timeout=timeout, check=False, capture_output=True, env=_environment(None)
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise RollbackError(f"cannot run {argv[0]}: {error}", f"Install {argv[0]} on the target host.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise CommandError(f"{argv[0]} failed ({done.returncode}): {said}", "", code=done.returncode)
    return done.stdout


def _environment(cwd: str | None) -> dict[str, str]:
    """Return the environment: untranslated answers, no questions, and a directory in the spelling it was given in.

    A shell says so too, and Compose then leaves symbolic links in its paths alone.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return {**inherited, "LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", **({"PWD": cwd} if cwd else {})}
