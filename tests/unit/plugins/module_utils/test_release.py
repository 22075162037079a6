# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _release
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe
from ansible_collections.tiered.rollback.plugins.module_utils._release import Release

_PREFIX = "org.opencontainers.image."


def rendered(deployment: Any) -> Callable[..., dict[str, Any]]:
    """What the fake Compose would make of other files."""

    def render(_stack: Any, _project: str, contents: Mapping[str, bytes | None]) -> dict[str, Any]:
        found = {path: (deployment.src / path).read_bytes() for path in ("compose.yml", ".env")}
        found |= {path: data for path, data in contents.items() if data is not None}
        values = dict(line.split("=", 1) for line in found[".env"].decode().splitlines())
        text = re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), found["compose.yml"].decode())
        return dict(json.loads(text))

    return render


@pytest.fixture
def shop(operator: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stack whose two services are built alike from its directory."""
    deployment = operator.deployment
    monkeypatch.setattr(_release._preview, "render", rendered(deployment))
    (deployment.src / "Dockerfile").write_text("# the next\n")
    path = deployment.src / "compose.yml"
    definition = json.loads(path.read_text())
    for service in definition["services"].values():
        service["build"] = {"context": str(deployment.src), "labels": ["mine=yes"], "tags": ["shop:latest"]}
    path.write_text(json.dumps(definition))
    deployment.compose.recreate({"api": 1, "web": 1}, None, isolate=False)
    deployment.world.calls.clear()
    return operator


def _look(shop: Any) -> tuple[Any, Release]:
    context = shop.deployment.context(run=shop.build.run(5))
    now = observe(context.stack, context.engine, context.compose)
    return context, _release.look(context, now, "v1.1.0", fetch=False)


def test_what_is_built_alike_is_built_once_with_labels_and_moves_no_name_of_the_users(shop: Any) -> None:
    context, release = _look(shop)
    assert release.built == ["api"]
    assert release.actions == ["build api"]
    build = release.project["services"]["api"]["build"]
    assert "tags" not in build
    assert build["labels"]["mine"] == "yes"
    assert build["labels"][f"{_PREFIX}version"] == "v1.1.0"
    assert build["labels"][f"{_PREFIX}created"] == release.point.created
    assert f"{_PREFIX}revision" not in build["labels"], "there is no git"
    assert release.point.services["web"].image_id == "to be built"

    tags = dict(shop.deployment.world.tags)
    point = _release.perform(context, release, 60)
    made = {part.image_id for part in point.services.values()}
    assert len(made) == 1
    assert made.isdisjoint(tags.values())
    moved = {name: of for name, of in shop.deployment.world.tags.items() if tags.get(name) != of}
    assert all(name.startswith("tiered-rollback/shop/") for name in moved)
    assert context.store.proven(point.id)
    assert not (shop.deployment.state / "rebuild").exists()


def test_a_build_that_fails_leaves_nothing(shop: Any) -> None:
    context, release = _look(shop)
    (shop.deployment.src / "Dockerfile").unlink()
    before = shop.deployment.trees()
    with pytest.raises(RollbackError, match=r"v1\.1\.0 cannot be built: .* holds no Dockerfile") as caught:
        _release.perform(context, release, 60)
    assert "Nothing that runs was touched" in caught.value.hint
    after = shop.deployment.trees()
    assert {path for path in after if path not in before} <= {str(context.state / "activity.json")}
    assert not any(name.endswith("-release") for name in shop.deployment.world.tags)


@pytest.mark.parametrize(
    ("stated", "wanted"), [(None, {}), ({"a": 1}, {"a": "1"}), (["a=b=c", "d"], {"a": "b=c", "d": ""})]
)
def test_labels_that_are_stated_already_are_kept(stated: Any, wanted: dict[str, str]) -> None:
    assert _release._labels(stated) == wanted
