# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands of gates side by side, each bounded; one that hangs is ended with all it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess  # nosec B404  # arguments are a list, and none goes through a shell
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import IO

from ansible_collections.tiered.rollback.plugins.module_utils import _gates, _masking, _test_reports
from ansible_collections.tiered.rollback.plugins.module_utils._gates import Gate, Ran, Verdict

#: What is kept of a command's output, in bytes from its end; and what of that is shown, in lines.
_KEPT = 256 << 10
_SHOWN = 20
_WIDTH = 300
#: Names of variables whose values are secrets.
_SECRET = re.compile(r"(?i)(token|secret|passw|pwd|key|credential|auth)")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
#: Seconds that a file system may be coarse in its times.
_COARSE = 2.0


def run(
    gates: Sequence[Gate], look: Callable[[Gate], Verdict], directory: Path, secrets: Sequence[str]
) -> Iterator[Verdict]:
    """Run gates side by side and yield what each came to, as they end.

    :param look: answers for a gate that is no command.
    :param directory: the project's.
    :param secrets: values that must not show, beside those of the environment.
    """
    if not gates:
        return
    with ThreadPoolExecutor(max_workers=len(gates)) as pool:
        begun = [pool.submit(_one, gate, look, directory, secrets) for gate in gates]
        for future in as_completed(begun):
            yield future.result()


def hidden(environment: Mapping[str, str], given: Mapping[str, str]) -> set[str]:
    """Return values that an output must not show: those of variables whose names speak of secrets, and what was given.

    :param given: what the description of a gate gives it.
    """
    found = {value for name, value in environment.items() if _SECRET.search(name)}
    return _masking.lengthy({*found, *given.values()})


def _one(gate: Gate, look: Callable[[Gate], Verdict], directory: Path, secrets: Sequence[str]) -> Verdict:
    if not gate.argv:
        return look(gate)
    ran = command(gate, directory)
    # Before anything is cut off: half a secret would not be known as one.
    masked = tail(_masking.mask(ran.output, {*secrets, *hidden(os.environ, gate.env)}))
    return _gates.judge(gate, ran, masked)


def command(gate: Gate, directory: Path) -> Ran:
    """Run a gate's command to its end, or to the end of its time."""
    cwd = directory / (gate.cwd or "")
    begun, at = time.monotonic(), time.time()
    # Not a pipe: a process that it leaves behind would keep that open, and whoever reads it waiting.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # nosec B603  # no shell
                list(gate.argv),
                cwd=cwd,
                env={**os.environ, **gate.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Ran(code=None, seconds=0.0, output="", problem=f"cannot run {gate.argv[0]}: {error}")
        code: int | None
        try:
            code = process.wait(gate.timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        return Ran(
            code=code,
            seconds=time.monotonic() - begun,
            output=_end_of(output),
            report=_report(cwd / gate.report, at) if gate.report else None,
        )


def tail(output: str) -> str:
    """Return the last lines of an output, without what only a terminal understands."""
    lines = [_CONTROL.sub("", line.rpartition("\r")[2])[:_WIDTH] for line in output.rstrip().split("\n")]
    return "\n".join(lines[-_SHOWN:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever of its group is left; nothing that a gate started outlives it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_of(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _KEPT))
    return output.read().decode("utf-8", "replace")


def _report(path: Path, since: float) -> bytes | None:
    """Return a report that was written since; an older one is of other code."""
    try:
        if path.stat().st_mtime < since - _COARSE or path.stat().st_size > _test_reports.MOST:
            return None
        return path.read_bytes()
    except OSError:
        return None
