# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _staging_project
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._staging_project import Layout
from hypothesis import given
from hypothesis import strategies as st

NAME = "drill-shop-20261120t100000z-000001"
ROOT = f"/var/lib/tiered-rollback/shop/drill/{NAME}"


def project(**web: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "services": {"web": {"image": "shop:1", "networks": {"default": None}, **web}},
        "networks": {"default": {"name": "shop_default"}},
    }


def layout(definition: dict[str, Any], without: tuple[str, ...] = ()) -> Layout:
    sources = _staging_project.sources(definition, without)
    ports = {
        port: f"{port.partition('/')[0]}/{60000 + n}"
        for n, port in enumerate(_staging_project.published(definition, without))
    }
    return Layout(
        name=NAME,
        stack="shop",
        ports=ports,
        paths=_drill.places(sources, f"{ROOT}/tree"),
        real={source: source for source in sources},
        without=without,
    )


def rewritten(definition: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return _staging_project.rewrite(definition, layout(definition, without))


_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
_SOURCES = st.sampled_from(["/opt/shop", "/opt/shop/data", "/srv", "/srv/files/x", "/home/a"])
_MOUNTS = st.one_of(
    st.builds(lambda s, ro: {"type": "bind", "source": s, "target": "/x", "read_only": ro}, _SOURCES, st.booleans()),
    st.just({"type": "volume", "source": "data", "target": "/y"}),
    st.just({"type": "tmpfs", "target": "/z"}),
)
_PORTS = st.builds(
    lambda n, protocol, host: {"target": 80, "published": str(n), "protocol": protocol, "host_ip": host},
    st.integers(1, 59999),
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["", "0.0.0.0", "10.0.0.1"]),
)


@st.composite
def _services(draw: Any) -> dict[str, Any]:
    names = draw(st.lists(_WORDS, min_size=1, max_size=4, unique=True))
    return {
        name: {
            "image": draw(_WORDS),
            "networks": {"default": draw(st.sampled_from([None, {"ipv4_address": "10.0.0.9", "aliases": ["a"]}]))},
            "volumes": draw(st.lists(_MOUNTS, max_size=3)),
            "ports": draw(st.lists(_PORTS, max_size=2)),
            "labels": {"traefik.enable": "true"},
            **draw(st.sampled_from([{}, {"container_name": f"the-{name}"}, {"scale": 2}])),
        }
        for name in names
    }


@given(_services(), st.sampled_from([{}, {"external": True}, {"driver": "nfs", "driver_opts": {"device": ":/prod"}}]))
def test_a_copy_of_any_stack_shares_nothing_with_it(services: dict[str, Any], how: dict[str, Any]) -> None:
    definition = {
        "name": "shop",
        "services": services,
        "networks": {"default": {"name": "shop_default", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}, **how}},
        "volumes": {"data": {"name": "shop_data", **how}},
    }
    _staging_project.refuse_unsafe(definition, ())
    copy = rewritten(definition)
    production = _drill.footprint(definition, ["/opt/shop"], read_only=True)
    staging = _drill.footprint(copy, [ROOT], read_only=True)
    _drill.prove_apart(production, staging, NAME, ROOT)
    assert staging.projects == {NAME}
    text = repr(copy)
    for gone in ("traefik", "nfs", "10.0.0", "external", ":/prod", "shop_data", "shop_default"):
        assert gone not in text
    assert all(port["host_ip"] == "127.0.0.1" for each in copy["services"].values() for port in each["ports"])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"network_mode": "host"}, "web: network_mode: host"),
        ({"network_mode": "container:db"}, "network_mode: container:db"),
        ({"pid": "host"}, "pid: host"),
        ({"ipc": "host"}, "ipc: host"),
        ({"uts": "host"}, "uts: host"),
        ({"userns_mode": "host"}, "userns_mode"),
        ({"cgroup": "host"}, "cgroup: host"),
        ({"cgroup_parent": "/x"}, "cgroup_parent"),
        ({"privileged": True}, "privileged: True"),
        ({"devices": ["/dev/kvm"]}, "devices: set"),
        ({"device_cgroup_rules": ["c 1:3 mr"]}, "device_cgroup_rules"),
        ({"gpus": "all"}, "gpus"),
        ({"runtime": "nvidia"}, "runtime"),
        ({"volumes_from": ["db"]}, "volumes_from"),
        ({"external_links": ["db"]}, "external_links"),
        ({"a_key_of_a_later_compose": 1}, "a_key_of_a_later_compose"),
        ({"cap_add": ["SYS_ADMIN"]}, "cap_add: SYS_ADMIN"),
        ({"cap_add": ["ALL"]}, "cap_add: ALL"),
        ({"security_opt": ["seccomp=unconfined"]}, "security_opt"),
        ({"extra_hosts": ["host.docker.internal=host-gateway"]}, "extra_hosts"),
        ({"extra_hosts": {"me": "host-gateway"}}, "extra_hosts"),
        ({"deploy": {"resources": {"reservations": {"devices": [{}]}}}}, "deploy: devices"),
        ({"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/s"}]}, "the engine itself"),
        ({"volumes": [{"type": "bind", "source": "/data/docker.sock", "target": "/s"}]}, "the engine itself"),
        ({"volumes": [{"type": "bind", "source": "/", "target": "/host"}]}, "/ is the system's"),
        ({"volumes": [{"type": "bind", "source": "/proc/1", "target": "/p"}]}, "the system's"),
        ({"volumes": [{"type": "bind", "source": "/a", "target": "/a", "bind": {"propagation": "shared"}}]}, "propag"),
        ({"volumes": [{"type": "npipe", "source": "x", "target": "/a"}]}, "of type npipe"),
        ({"secrets": [{"source": "s"}]}, "secrets: only those from files"),
    ],
)
def test_what_could_reach_out_is_refused_unless_it_is_left_out(entry: dict[str, Any], told: str) -> None:
    definition = project(**entry)
    definition["services"]["other"] = {"image": "x"}
    with pytest.raises(RollbackError, match="could reach production") as caught:
        _staging_project.refuse_unsafe(definition, ())
    assert told in caught.value.message
    assert "-e without=" in caught.value.hint
    _staging_project.refuse_unsafe(definition, ("web",))
    assert list(rewritten(definition, ("web",))["services"]) == ["other"]


@pytest.mark.parametrize(
    "entry",
    [
        {"network_mode": "none"},
        {"ipc": "private"},
        {"privileged": False},
        {"devices": []},
        {"cap_add": ["CAP_NET_ADMIN"]},
        {"security_opt": ["no-new-privileges:true"]},
    ],
)
def test_what_stays_inside_is_let_through(entry: dict[str, Any]) -> None:
    _staging_project.refuse_unsafe(project(**entry), ())


def test_who_asks_a_container_by_its_fixed_name_finds_the_copys() -> None:
    web = rewritten(project(container_name="the-web"))["services"]["web"]
    assert web["container_name"] == f"{NAME}-the-web"
    assert web["networks"]["default"]["aliases"] == ["the-web"]


def test_what_a_service_depends_on_goes_with_what_is_left_out() -> None:
    definition = project(depends_on={"db": {"condition": "service_started"}, "mq": {"condition": "service_started"}})
    definition["services"] |= {"db": {"image": "d"}, "mq": {"image": "m"}}
    copy = rewritten(definition, ("mq",))
    assert list(copy["services"]["web"]["depends_on"]) == ["db"]
    assert sorted(copy["services"]) == ["db", "web"]


@pytest.mark.parametrize(
    ("without", "told"), [(("nobody",), "no service is called nobody"), (("web",), "every service")]
)
def test_what_cannot_be_left_out_is_said(without: tuple[str, ...], told: str) -> None:
    with pytest.raises(RollbackError, match=told):
        _staging_project.services(project(), without)


def test_files_of_configs_and_secrets_are_copied_too() -> None:
    definition = project(configs=[{"source": "c"}], secrets=[{"source": "s", "target": "t"}])
    definition |= {"configs": {"c": {"file": "/opt/shop/c"}, "unused": {"external": True}}}
    definition |= {"secrets": {"s": {"file": "/opt/shop/s"}}}
    _staging_project.refuse_unsafe(definition, ())
    copy = rewritten(definition)
    assert copy["configs"] == {"c": {"file": f"{ROOT}/tree/0"}}
    assert copy["secrets"] == {"s": {"file": f"{ROOT}/tree/1"}}


def test_a_path_without_a_copy_leads_nowhere_rather_than_to_production() -> None:
    definition = project(volumes=[{"type": "bind", "source": "/srv/data", "target": "/d"}])
    bare = Layout(name=NAME, stack="shop", ports={}, paths={}, real={})
    (mount,) = _staging_project.rewrite(definition, bare)["services"]["web"]["volumes"]
    assert mount["source"] == f"/{NAME}/none"
    assert mount["bind"] == {"create_host_path": False}


def test_compose_reads_back_what_was_rendered() -> None:
    assert _staging_project.escaped({"a": ["$HOME", {"b": "x$$y"}], "n": 1, "t": True, "z": None}) == {
        "a": ["$$HOME", {"b": "x$$$$y"}],
        "n": 1,
        "t": True,
        "z": None,
    }
