# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody meets who wants to help: forms that GitHub takes, hooks that exist, commands that are there."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FORMS = ROOT / ".github/ISSUE_TEMPLATE"


@pytest.mark.parametrize("path", sorted(FORMS.glob("*.yml")), ids=lambda path: path.stem)
def test_github_takes_the_form(path: Path) -> None:
    schema = f"vendor.github-issue-{'config' if path.stem == 'config' else 'forms'}"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_commands_that_are_named_exist() -> None:
    named = set(re.findall(r"`(script/\w+|\.ci/\w+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert {"script/bootstrap", "script/test", "script/lint", "script/bench"} <= named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_file_of_the_flat_folder_is_in_one_family() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| files |")[2].partition("\n\n")[0]
    families = [re.findall(r"`(_[\w*]+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    names = {path.stem for path in (ROOT / "plugins/module_utils").glob("*.py")}
    idle = [pattern for family in families for pattern in family if not fnmatch.filter(names, pattern)]
    assert idle == []
    # A name in full outranks a pattern.
    homes = {
        name: [family for family in families if any(fnmatch.fnmatch(name, each) for each in family)] for name in names
    }
    assert [name for name, found in homes.items() if not found] == []
    plain = {name for family in families for name in family if "*" not in name}
    assert [name for name, found in homes.items() if len(found) > 1 and name not in plain] == []


def test_the_hook_runs_checks_of_ours_and_downloads_nothing() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    (hook,) = repository["hooks"]
    assert hook["language"] == "system"
    program, *checks = hook["entry"].split()
    lint = (ROOT / program).read_text(encoding="utf-8")
    assert checks
    assert [check for check in checks if f"check_{check}()" not in lint] == []
