# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.plugin_utils import _phases


def _write(tmp_path: Path, document: Any) -> str:
    path = tmp_path / "phases.yml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return str(path)


def test_each_phase_comes_with_every_key(tmp_path: Path) -> None:
    document = {
        "phases": [
            {"name": "components", "revert": ["api"], "keep": ["web"], "version": "v0.9.0"},
            {"name": "flag", "flags": {"AI": False}, "validate": [{"url": "http://x/"}]},
        ]
    }
    first, second = _phases.load(_write(tmp_path, document), "stack")
    assert first == {
        "name": "components",
        "version": "v0.9.0",
        "revert": ["api"],
        "keep": ["web"],
        "flags": {},
        "config": None,
        "validate": [],
    }
    assert (second["flags"], second["validate"], second["revert"]) == ({"AI": False}, [{"url": "http://x/"}], [])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("a: [", "is not YAML"),
        ("", "has to hold a list"),
        ([], "has to hold a list"),
        ({"phases": []}, "has to hold a list"),
        ({"phases": [{"name": "a", "config": "newest"}], "more": 1}, "and nothing else"),
        ({"phases": ["api"]}, r"phase 1 of .*: missing required arguments: name"),
        ({"phases": [{"name": "a", "flags": {"A": True}}, {"name": "b"}]}, r"phase 2 of .*: nothing is asked for"),
        ({"phases": [{"name": "a", "revert": ["api"]}]}, "needs both revert and version"),
        ({"phases": [{"name": "a", "version": "v1", "config": "newest"}]}, "needs both revert and version"),
        ({"phases": [{"name": "a", "surprise": 1}]}, "surprise"),
        ({"phases": [{"name": "{{ x }}", "config": "newest"}]}, "unsafe or malformed"),
        ({"phases": [{"name": "a", "revert": ["api"], "version": "{{ x }}"}]}, "unsafe or malformed"),
        ({"phases": [{"name": "a", "flags": {"A B": 1}}]}, "cannot be the name of a feature flag"),
        ({"phases": [{"name": "a", "config": "newest", "validate": [{"url": "x"}]}]}, "is not an HTTP URL"),
    ],
)
def test_what_is_wrong_is_named_with_its_phase(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _phases.load(_write(tmp_path, document), "stack")
    assert caught.value.hint


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(RollbackError, match=r"/no/phases\.yml cannot be read") as caught:
        _phases.load("/no/phases.yml", "stack")
    assert "controller" in caught.value.hint


def test_a_plan_is_named_by_what_it_says() -> None:
    assert _phases.name([{"name": "a"}]) == _phases.name([{"name": "a"}])
    assert _phases.name([{"name": "a"}]) != _phases.name([{"name": "b"}])


def test_phases_of_ci_have_files_and_what_validates_them(tmp_path: Path) -> None:
    document = {"phases": [{"name": "Direct pytest", "files": ["ci.yml"], "to": "v0.9.0", "lacks": ["docker"]}]}
    assert _phases.load(_write(tmp_path, document), "ci") == [
        {"name": "Direct pytest", "files": ["ci.yml"], "to": "v0.9.0", "lacks": ["docker"], "validate": []}
    ]


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        ({"name": "a"}, "files"),
        ({"name": "a", "files": []}, "files is empty"),
        ({"name": "a", "files": ["../x"]}, "may not leave"),
        ({"name": "a", "files": ["{{ x }}"]}, "malformed value"),
        ({"name": "a", "files": ["x"], "to": "{{ lookup('pipe', 'id') }}"}, "malformed value"),
        ({"name": "a", "files": ["x"], "validate": ["{{ x }}"]}, "malformed value"),
        ({"name": "a", "files": ["x"], "lacks": ["{{ x }}"]}, "malformed value"),
        ({"name": "{{ x }}", "files": ["x"]}, "malformed value"),
        ({"name": "a", "files": ["x"], "revert": ["web"]}, "revert"),
    ],
)
def test_a_phase_of_ci_that_means_nothing_is_named(tmp_path: Path, phase: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=f"phase 1 of .*{message}"):
        _phases.load(_write(tmp_path, {"phases": [phase]}), "ci")
