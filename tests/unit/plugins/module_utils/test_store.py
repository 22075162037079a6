# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import FilePart, RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

CONTENTS = {"compose.yml": b"services: {}\n", "conf/app.ini": b"[app]\n", "empty": b""}
DEFINITION = _files.dump_json({"name": "shop", "services": {}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "shop")


@pytest.fixture
def point(build: Any, store: Store) -> RestorePoint:
    """A point with files in the store; one of them is known to be absent."""
    files = {path: FilePart(sha256=_files.sha256(data), size=len(data)) for path, data in CONTENTS.items()}
    made: RestorePoint = build.point(
        files={**files, "gone": FilePart(sha256=None)}, definition=_files.sha256(DEFINITION)
    )
    store.add(made, CONTENTS, DEFINITION)
    return made


def _parts(store: Store, point: RestorePoint) -> list[Path]:
    return [path for path in (store.root / point.id).rglob("*") if path.is_file()]


def test_a_point_is_read_back_whole(store: Store, point: RestorePoint) -> None:
    assert store.load(point.id) == point
    store.verify(point)
    assert {path: store.content(point, path) for path in CONTENTS} == CONTENTS
    assert store.content(point, "gone") is None
    assert store.definition(point) == {"name": "shop", "services": {}}


def test_everything_in_the_store_is_for_its_owner_only(store: Store, point: RestorePoint) -> None:
    modes = {path.stat().st_mode & 0o777 for path in store.root.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in _parts(store, point)} == {0o600}


def test_a_changed_byte_anywhere_in_any_part_is_refused(store: Store, point: RestorePoint) -> None:
    tried = 0
    for path in _parts(store, point):
        whole = path.read_bytes()
        for place in range(len(whole)):
            for mask in (0x01, 0x80):
                torn = bytearray(whole)
                torn[place] ^= mask
                path.write_bytes(bytes(torn))
                with pytest.raises(RollbackError, match=f"{point.id} is damaged"):
                    store.verify(store.load(point.id))
                tried += 1
        path.write_bytes(whole)
    assert tried > 2000
    store.verify(store.load(point.id))


@pytest.mark.parametrize("cut", [0, 1])
def test_a_part_that_is_cut_short_or_missing_is_refused(store: Store, point: RestorePoint, cut: int) -> None:
    for path in _parts(store, point):
        whole = path.read_bytes()
        if not whole:
            continue
        path.write_bytes(whole[: -1 if cut else 0])
        with pytest.raises(RollbackError, match="damaged"):
            store.verify(store.load(point.id))
        path.unlink()
        with pytest.raises(RollbackError, match=r"damaged.*missing"):
            store.verify(store.load(point.id))
        path.write_bytes(whole)


def test_a_manifest_whose_sum_was_forged_too_must_still_name_its_directory(store: Store, point: RestorePoint) -> None:
    (store.root / point.id).rename(store.root / "v9.9.9-20261120T100000Z")
    with pytest.raises(RollbackError, match=f"its manifest names {point.id}"):
        store.load("v9.9.9-20261120T100000Z")


@pytest.mark.parametrize("point_id", ["../shop/restore_points/x", "..", ".", "/etc", "nothing"])
def test_an_id_that_leads_elsewhere_is_refused(store: Store, point: RestorePoint, point_id: str) -> None:
    with pytest.raises(RollbackError):
        store.load(point_id)


def test_a_forged_path_does_not_lead_out_of_the_point(build: Any, store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    part = FilePart(sha256=_files.sha256(b"x"), size=1)
    forged = build.point(files={"../../../../secret": part}, definition=_files.sha256(DEFINITION))
    store.add(forged, {}, DEFINITION)
    with pytest.raises(RollbackError, match="may not leave its directory"):
        store.load(forged.id)


def test_points_are_listed_oldest_first_and_damaged_ones_only_by_id(build: Any, store: Store) -> None:
    for name, created in (("v2", "2026-11-02"), ("v1", "2026-11-01"), ("v3", "2026-11-03")):
        store.add(build.point(name, id=name, created=created), {}, DEFINITION)
    (store.root / "v3" / "manifest.json").write_bytes(b"{}")
    assert [point.id for point in store.points()] == ["v1", "v2"]
    assert store.ids() == ["v1", "v2", "v3"]


def test_a_store_that_was_never_written_is_empty(store: Store) -> None:
    assert (store.ids(), list(store.points())) == ([], [])


@pytest.mark.parametrize("writes", range(7))
def test_a_capture_killed_at_any_write_leaves_no_point_and_the_next_one_cleans_up(
    build: Any, store: Store, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    made = 0
    real = _files.write

    def killed(*args: Any) -> None:
        nonlocal made
        if made == writes:
            raise KeyboardInterrupt
        made += 1
        real(*args)

    point = build.point(definition=_files.sha256(DEFINITION))
    monkeypatch.setattr(_files, "write", killed)
    if writes < 6:
        with pytest.raises(KeyboardInterrupt):
            store.add(point, CONTENTS, DEFINITION)
        assert (store.ids(), list(store.points())) == ([], [])
    monkeypatch.undo()
    store.add(build.point("v2", definition=_files.sha256(DEFINITION)), CONTENTS, DEFINITION)
    assert [entry.name for entry in store.root.iterdir()] == ["v2-20261120T100000Z"]


def test_a_removal_that_is_killed_leaves_no_half_point(
    store: Store, point: RestorePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        store.remove(point.id)
    monkeypatch.undo()
    assert store.ids() == []
    store.discard_partial()
    assert list(store.root.iterdir()) == []


def test_a_removed_point_is_gone_and_the_others_stay(build: Any, store: Store, point: RestorePoint) -> None:
    store.add(build.point("v2", id="v2"), {}, DEFINITION)
    store.remove(point.id)
    assert store.ids() == ["v2"]


def test_proof_and_pin_are_learnt_later_and_do_not_touch_the_point(
    store: Store, point: RestorePoint, tree: Callable[..., Any]
) -> None:
    assert (store.proven(point.id), store.pinned(point.id)) == (None, False)
    before = tree(store.root)
    store.mark_proven(point.id, "read back")
    store.pin(point.id)
    proof = store.proven(point.id)
    assert proof is not None
    assert proof["how"] == "read back"
    assert store.pinned(point.id)
    assert before.items() <= tree(store.root).items()
    store.verify(store.load(point.id))


def test_points_of_another_engine_are_refused(store: Store, build: Any) -> None:
    store.add(build.point("v1", engine="swarm", definition=_files.sha256(DEFINITION)), {}, DEFINITION)
    with pytest.raises(RollbackError, match="is of engine swarm, and the stack of engine compose"):
        list(store.points())
    assert [point.engine for point in Store(store.root.parent, "swarm").points()] == ["swarm"]
