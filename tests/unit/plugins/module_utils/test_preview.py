# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _preview
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


class Recorder:
    """Stands for the Compose command: reports what it would read from the directory it is shown."""

    seen: dict[str, Any]

    def __init__(self, stack: Any) -> None:
        self.stack = stack

    def render(self) -> dict[str, Any]:
        root = Path(self.stack.project_src)
        Recorder.seen = {
            str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()
        }
        Recorder.seen["../common.yml"] = (root.parent / "common.yml").read_text()
        return {"name": self.stack.project_name, "services": {"web": {"volumes": [{"source": f"{root}/data"}]}}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with files at several levels."""
    monkeypatch.setattr(_preview, "Compose", Recorder)
    root = tmp_path / "shop"
    (root / "conf").mkdir(parents=True)
    for name in ("compose.yml", ".env", "conf/web.env", "conf/other"):
        (root / name).write_text(f"{name} as it is")
    (tmp_path / "common.yml").write_text("beside it")
    return root


def test_compose_sees_the_new_contents_and_everything_else_as_it_is(project: Path, build: Any, tree: Any) -> None:
    before = tree(project)
    contents = {"conf/web.env": b"new", ".env": None, "new/deep.env": b"more"}
    rendered = _preview.render(build.stack(project_src=str(project)), "shop", contents)
    assert Recorder.seen == {
        "compose.yml": "compose.yml as it is",
        "conf/web.env": "new",
        "conf/other": "conf/other as it is",
        "new/deep.env": "more",
        "../common.yml": "beside it",
    }
    # The paths are those of the project itself.
    assert rendered == {"name": "shop", "services": {"web": {"volumes": [{"source": f"{project}/data"}]}}}
    assert tree(project) == before


def test_nothing_is_left_of_what_was_shown(
    project: Path, build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    def fail(self: Any) -> dict[str, Any]:
        raise RollbackError(json.dumps("invalid"))

    monkeypatch.setattr(Recorder, "render", fail)
    with pytest.raises(RollbackError, match="invalid"):
        _preview.render(build.stack(project_src=str(project)), "shop", {".env": b"new"})
    assert list(scratch.iterdir()) == []
