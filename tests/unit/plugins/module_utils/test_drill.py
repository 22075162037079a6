# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _names
from ansible_collections.tiered.rollback.plugins.module_utils._drill import Footprint
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

RUN = "20261120T100000Z-000001"
NAME = f"drill-shop-{RUN.lower()}"


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True))
def test_a_name_is_one_for_projects_images_and_stacks(stack: str) -> None:
    name = _drill.prefix(stack, RUN)
    assert _names.stack_name(name) == name
    assert "--" not in name
    assert "_" not in name
    assert _drill.is_of(name, RUN)
    assert not _drill.is_of(name, "20261120T100000Z-000002")
    assert not _drill.is_of(stack, RUN) or stack.startswith("drill-")


@pytest.mark.parametrize(
    ("name", "project"),
    [("shop", None), ("shop", "shop"), (NAME, None), (NAME, "shop"), ("drill-shop-other", "drill-shop-other")],
)
def test_no_module_works_in_a_drill_on_anything_but_the_drills_own_copy(name: str, project: str | None) -> None:
    with pytest.raises(RollbackError, match="is not its staging copy"):
        _drill.refuse_production({"playbook": "drill.yml", "id": RUN}, name, project)


@pytest.mark.parametrize(
    "server", [("shop-db-1", None), (None, "127.0.0.1"), (NAME, None), (f"{NAME}-db-1", "db.example"), (None, None)]
)
def test_no_module_works_in_a_drill_on_a_server_that_is_not_the_copys(server: tuple[str | None, str | None]) -> None:
    own = (f"{NAME}-db-1", None)
    with pytest.raises(RollbackError, match="is not its staging copy"):
        _drill.refuse_production({"playbook": "drill.yml", "id": RUN}, NAME, NAME, [own, server])


def test_its_own_copy_is_let_through_and_so_are_other_playbooks() -> None:
    servers = [(f"{NAME}-db-1", None), (f"{NAME}-db-1", "127.0.0.1")]
    _drill.refuse_production({"playbook": "drill.yml", "id": RUN}, NAME, NAME, servers)
    _drill.refuse_production({"playbook": "tier1-emergency.yml", "id": RUN}, "shop", None)
    _drill.refuse_production(None, "shop", None)


def _project(**services: Any) -> dict[str, Any]:
    return {"name": "shop", "services": services, "networks": {"default": None}, "volumes": {"data": {"name": "d"}}}


def test_a_footprint_is_all_that_a_project_has_to_itself() -> None:
    mounts = [
        {"type": "bind", "source": "/srv/rw", "target": "/rw"},
        {"type": "bind", "source": "/srv/ro", "target": "/ro", "read_only": True},
        {"type": "volume", "source": "data", "target": "/d"},
    ]
    ports = [{"target": 1, "published": "80"}, {"target": 53, "published": "53-54", "protocol": "udp"}, {"target": 2}]
    project = _project(
        web={"image": "shop:1", "volumes": mounts, "ports": ports, "scale": 2}, db={"container_name": "the-db"}
    )
    found = _drill.footprint(project, ["/opt/shop"], ["db/shop"])
    assert found == Footprint(
        projects=frozenset({"shop"}),
        containers=frozenset({"shop-web-1", "shop-web-2", "the-db"}),
        volumes=frozenset({"d"}),
        networks=frozenset({"shop_default"}),
        images=frozenset({"shop:1"}),
        ports=frozenset({"tcp/80", "udp/53", "udp/54"}),
        paths=frozenset({"/srv/rw", "/opt/shop"}),
        databases=frozenset({"db/shop"}),
    )
    assert "/srv/ro" in _drill.footprint(project, read_only=True).paths


@pytest.mark.parametrize(
    ("kind", "mine", "theirs", "told"),
    [
        *((kind, "x", "x", f"{kind}: x") for kind in ("projects", "containers", "volumes", "networks", "images")),
        ("ports", "tcp/80", "tcp/80", "ports: tcp/80"),
        ("databases", "db/shop", "db/shop", "databases: db/shop"),
        ("paths", "/a", "/a", "paths: /a and /a"),
        ("paths", "/a/b", "/a", "paths: /a/b and /a"),
        ("paths", "/a", "/a/b", "paths: /a and /a/b"),
    ],
)
def test_whatever_two_share_is_named(kind: str, mine: str, theirs: str, told: str) -> None:
    one, other = Footprint(**{kind: frozenset({mine})}), Footprint(**{kind: frozenset({theirs})})
    assert _drill.overlap(one, other) == [told]
    assert _drill.overlap(one, Footprint()) == []
    assert told in _drill.overlap(_drill.union(one, Footprint(ports=frozenset({"tcp/1"}))), other)


def test_a_database_is_told_by_every_address_of_its_server() -> None:
    assert _drill.addresses("db", None, 5432, "shop") == ["db/shop"]
    assert _drill.addresses("db", "localhost", 6000, "shop") == ["db/shop", "127.0.0.1:6000/shop"]
    assert _drill.addresses(None, "db.example", 5432, "shop") == ["db.example:5432/shop"]


def test_paths_that_only_begin_alike_are_apart() -> None:
    assert not _drill.overlap(Footprint(paths=frozenset({"/srv/shop"})), Footprint(paths=frozenset({"/srv/shop2"})))


@pytest.mark.parametrize(
    ("kind", "mine"),
    [
        *((kind, "stranger") for kind in ("projects", "containers", "volumes", "networks", "images", "databases")),
        ("databases", "127.0.0.1:5432/shop"),
        ("databases", f"{NAME}/shop"),
        ("paths", "/elsewhere"),
    ],
)
def test_what_does_not_carry_the_drills_name_is_no_part_of_it_even_where_nobody_has_it(kind: str, mine: str) -> None:
    with pytest.raises(RollbackError, match=f"would not be apart from production: {kind}: "):
        _drill.prove_apart(Footprint(), Footprint(**{kind: frozenset({mine})}), NAME, f"/state/{NAME}")


def test_what_is_apart_is_let_through() -> None:
    own = {"ports": frozenset({"tcp/61000"}), "databases": frozenset({f"{NAME}-db-1/shop", "127.0.0.1:61000/shop"})}
    staging = Footprint(projects=frozenset({NAME}), paths=frozenset({f"/state/{NAME}/tree/0"}), **own)
    _drill.prove_apart(Footprint(projects=frozenset({"shop"})), staging, NAME, f"/state/{NAME}")


_PARTS = st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=6)


@given(_PARTS, st.lists(st.sampled_from(["a", "b"]), max_size=3))
def test_a_link_is_said_to_stay_only_where_it_does(target: list[str], above: list[str]) -> None:
    link = "/".join(["/tree", *above, "link"])
    where = os.path.normpath("/".join(["/tree", *above, *target]))
    if not _drill.link_leads_out("/tree", link, "/".join(target)):
        assert Path(where).is_relative_to("/tree")


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "a/../../x", "/tree/inside"])
def test_a_link_that_leaves_or_is_absolute_leads_out(target: str) -> None:
    assert _drill.link_leads_out("/tree", "/tree/link", target)


_PATHS = st.lists(st.sampled_from(["/a", "/a/b", "/a/b/c", "/d", "/d/e", "/ab"]), max_size=6)


@given(_PATHS)
def test_every_path_has_one_place_and_what_lies_below_another_stays_there(paths: list[str]) -> None:
    places = _drill.places(paths, "/tree")
    assert set(places) == set(paths)
    assert len(set(places.values())) == len(set(paths))
    for one in paths:
        for other in paths:
            below = Path(one).is_relative_to(other)
            assert Path(places[one]).is_relative_to(places[other]) == below
    assert _drill.moved("/nowhere", places) is None
