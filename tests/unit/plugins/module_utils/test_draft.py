# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _backup, _draft, _journal
from ansible_collections.tiered.rollback.plugins.module_utils._draft import Draft
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe
from ansible_collections.tiered.rollback.plugins.module_utils._partial import Request

OLD, NEW = "v0.9.0", "v1.0.0"


def project(version: str) -> dict[str, bytes]:
    """Files of a version: ``api`` has a variable and a file of its own, ``web`` and ``worker`` share one."""
    mount = {"type": "bind", "source": "ROOT/conf", "target": "/etc/api"}
    services = {
        "api": {"image": "api:${API}", "volumes": [mount], "environment": {"AI": "${AI}"}},
        "web": {"image": "web:${SHARED}"},
        "worker": {"image": "worker:${SHARED}"},
    }
    return {
        "compose.yml": json.dumps({"name": "shop", "services": services}).encode(),
        ".env": f"API={version}\nSHARED={version}\nAI=true\n".encode(),
        "conf/api.conf": version.encode(),
    }


@pytest.fixture
def shop(deployment: Any, build: Any, request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """v0.9.0 is captured, v1.0.0 runs; what Compose would make of other files is what this Compose makes of them."""

    def render(stack: Any, project: str, contents: Mapping[str, bytes | None]) -> dict[str, Any]:
        present = {path: (deployment.src / path).read_bytes() for path in contents if (deployment.src / path).exists()}
        try:
            write(deployment.src, contents)
            return dict(deployment.world.definition())
        finally:
            write(deployment.src, present)

    monkeypatch.setattr(_draft._preview, "render", render)
    deployment.raw["config"] = ["compose.yml", ".env", "conf/api.conf"]
    for version in (OLD, NEW):
        for name in ("api", "web", "worker"):
            deployment.world.add_image(f"{name}-{version}", f"{name}:{version}")
    deploy(deployment, OLD)
    request.getfixturevalue("operator")
    deploy(deployment, NEW)
    return deployment


def write(root: Path, contents: Mapping[str, bytes | None]) -> None:
    for path, data in contents.items():
        (root / path).parent.mkdir(exist_ok=True)
        if data is not None:
            (root / path).write_bytes(data.replace(b"ROOT", str(root).encode()))


def deploy(deployment: Any, version: str) -> None:
    write(deployment.src, project(version))
    deployment.compose.recreate({"api": 1, "web": 1, "worker": 1}, None, isolate=False)


def draft(shop: Any, build: Any, request: Request, version: str | None = OLD) -> Draft:
    ctx = shop.context(run=build.run(1))
    source = next((point for point in ctx.store.points() if point.version == version), None)
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    return _draft.make(ctx, now, _journal.load(shop.state), request, source, NEW)


def test_a_component_goes_back_with_its_own_variable_and_files_and_nothing_else(shop: Any, build: Any) -> None:
    before = shop.trees()
    found = draft(shop, build, Request(components=("api",)))
    assert found.scope == {"api"}
    assert found.contents[".env"] == b"API=v0.9.0\nSHARED=v1.0.0\nAI=true\n"
    assert found.contents["conf/api.conf"] == b"v0.9.0"
    images = {name: part.image_id for name, part in found.point.services.items()}
    wanted = {"api": f"api-{OLD}", "web": f"web-{NEW}", "worker": f"worker-{NEW}"}
    assert images == {name: build.image_id(image) for name, image in wanted.items()}
    assert found.point.services["api"].image == "api:v0.9.0"
    assert (found.point.version, found.point.kind, found.point.healthy) == ("v1.0.0+api-v0.9.0", "partial", True)
    assert shop.trees() == before


def test_where_others_use_the_variable_too_the_image_name_is_moved_instead(shop: Any, build: Any) -> None:
    found = draft(shop, build, Request(components=("web",)))
    assert found.scope == {"web"}
    assert found.contents[".env"] == project(NEW)[".env"]
    assert found.point.services["web"].image == "web:v1.0.0"
    assert found.point.services["web"].image_id == build.image_id(f"web-{OLD}")


def test_the_same_target_by_tags_where_the_stack_says_so(shop: Any, build: Any) -> None:
    shop.raw["image_source"] = "retag"
    found = draft(shop, build, Request(components=("api",)))
    assert found.contents[".env"] == project(NEW)[".env"]
    assert found.point.services["api"].image == "api:v1.0.0"


def test_a_flag_changes_its_file_and_its_readers(shop: Any, build: Any) -> None:
    found = draft(shop, build, Request(flags={"AI": False}), None)
    assert found.scope == {"api"}
    assert found.contents[".env"] == b"API=v1.0.0\nSHARED=v1.0.0\nAI=false\n"
    assert found.point.services["api"].image_id == build.image_id(f"api-{NEW}")


def test_a_flag_that_would_not_reach_its_reader_is_refused(
    shop: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = shop.world.definition()
    monkeypatch.setattr(_draft._preview, "render", lambda *_: same)
    with pytest.raises(RollbackError, match="api would still get AI=true"):
        draft(shop, build, Request(flags={"AI": False}), None)


def test_a_backup_goes_back_with_files_that_nobody_called_configuration(shop: Any, build: Any) -> None:
    kept = {"compose.yml": project(OLD)["compose.yml"], "extra.conf": b"old\n"}
    write(shop.src, kept)
    _backup.create(shop.state / _backup.DIRECTORY, shop.src, {**kept, "compose.yml": _without_worker(shop)})
    write(shop.src, {**project(NEW), "extra.conf": b"new\n"})
    found = draft(shop, build, Request(config="newest"), None)
    assert found.contents["extra.conf"] == b"old\n"
    assert found.scope == {"worker"}
    assert set(found.point.services) == {"api", "web"}
    # What is there now is captured as the state before, or it would be lost.
    assert found.seen.files["extra.conf"].sha256 is not None


def _without_worker(shop: Any) -> bytes:
    definition = json.loads((shop.src / "compose.yml").read_text())
    del definition["services"]["worker"]
    return json.dumps(definition).encode()


def test_a_backup_whose_image_is_gone_is_refused(shop: Any, build: Any) -> None:
    data = (shop.src / "compose.yml").read_text().replace("web:${SHARED}", "web:lost").encode()
    _backup.create(shop.state / _backup.DIRECTORY, shop.src, {"compose.yml": data})
    with pytest.raises(RollbackError, match="the image web:lost that service web would run is not on this host"):
        draft(shop, build, Request(config="newest"), None)


def test_a_backup_that_compose_does_not_understand_is_refused(shop: Any, build: Any) -> None:
    _backup.create(shop.state / _backup.DIRECTORY, shop.src, {"compose.yml": b"{nonsense"})
    with pytest.raises(RollbackError, match=r"compose\.yml is invalid"):
        draft(shop, build, Request(config="newest"), None)


@pytest.mark.parametrize(
    ("request_", "version", "message"),
    [
        (Request(components=("api",)), None, "no version"),
        (Request(components=("ap",)), OLD, "no service of this stack is called ap"),
        (Request(components=("api",), keep=("ap*",)), OLD, "api would be touched"),
        (Request(flags={"NONE": True}), None, "no service reads the flag NONE"),
        (Request(config="20200101T000000000000Z"), None, "no configuration backup"),
    ],
)
def test_what_cannot_be_drafted_is_refused(
    shop: Any, build: Any, request_: Request, version: str | None, message: str
) -> None:
    before = shop.trees()
    with pytest.raises(RollbackError, match=message):
        draft(shop, build, request_, version)
    assert shop.trees() == before


def test_a_component_that_the_version_did_not_have_is_refused(shop: Any, build: Any) -> None:
    """The operator's own capture is of a project without ``worker``."""
    ctx = shop.context(run=build.run(1))
    (source,) = (point for point in ctx.store.points() if point.version == OLD)
    services = {name: part for name, part in source.services.items() if name != "worker"}
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    with pytest.raises(RollbackError, match="has no service worker") as caught:
        _draft.make(ctx, now, None, Request(components=("worker",)), replace(source, services=services), NEW)
    assert caught.value.hint == "It has: api, web."


def test_a_draft_becomes_a_proven_restore_point(shop: Any, build: Any) -> None:
    found = draft(shop, build, Request(components=("api",)))
    ctx = shop.context(run=build.run(1))
    _draft.write(ctx, found)
    _draft.write(ctx, found)
    point = ctx.store.load(found.point.id)
    ctx.store.verify(point)
    assert ctx.store.proven(point.id)
    assert ctx.store.content(point, ".env") == found.contents[".env"]
