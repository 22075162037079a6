# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _checks
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checks, "_POLL", 0.01)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


DOCUMENT = b'{"status": "ok", "features": {"ai": true}, "items": [{"id": 7}], "none": null}'


@pytest.mark.parametrize(
    ("answer", "wish", "found"),
    [
        ((200, b""), {}, "as wanted"),
        ((204, b""), {"status": [200, 204]}, "as wanted"),
        ((500, b""), {}, "status 500, wanted 200"),
        ((200, b""), {"status": [301, 302]}, "status 200, wanted 301 or 302"),
        ((200, DOCUMENT), {"json": {"status": "ok", "features.ai": True, "items.0.id": 7}}, "as wanted"),
        ((200, DOCUMENT), {"json": {"none": None}}, "as wanted"),
        ((200, DOCUMENT), {"json": {"status": "down"}}, "status is 'ok', wanted 'down'"),
        ((200, DOCUMENT), {"json": {"features.chat": True}}, "features.chat is missing"),
        ((200, DOCUMENT), {"json": {"items.1.id": 7}}, "items.1.id is missing"),
        ((200, DOCUMENT), {"json": {"items.x": 7}}, "items.x is missing"),
        ((200, DOCUMENT), {"json": {"status.deeper": 7}}, "status.deeper is missing"),
        ((200, b"<html>"), {"json": {"status": "ok"}}, "the answer is not JSON"),
        ((503, DOCUMENT), {"json": {"status": "ok"}}, "status 503, wanted 200"),
    ],
)
def test_an_answer_holds_or_the_check_says_what_is_wrong(
    site: Any, build: Any, answer: tuple[int, bytes], wish: dict[str, Any], found: str
) -> None:
    site.answers["/"] = answer
    result = _checks.http(build.check(f"{site.url}/", **wish))
    assert result.ok is (found == "as wanted")
    assert found in result.found
    assert result.milliseconds > 0


def test_method_headers_and_body_are_sent_as_described(site: Any, build: Any) -> None:
    site.answers["/x"] = (200, b"")
    _checks.http(build.check(f"{site.url}/x", method="POST", headers={"X-Token": "t"}, body={"a": 1}))
    _checks.http(build.check(f"{site.url}/x", method="POST", body="plain"))
    _checks.http(build.check(f"{site.url}/x", method="HEAD"))
    first, second, third = site.asked
    assert (first.method, first.headers["X-Token"], first.body) == ("POST", "t", b'{"a": 1}')
    assert (second.body, third.method) == (b"plain", "HEAD")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{closed}/", "http://127.0.0.1:99999/", "http://a..b/", "http://["])
def test_a_server_that_is_not_there_is_a_result_and_no_crash(build: Any, url: str) -> None:
    result = _checks.http(build.check(url.format(closed=_closed_port())))
    assert not result.ok
    assert result.found


def test_a_server_that_does_not_answer_in_time_is_a_result(build: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = _checks.http(build.check(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.1))
    assert not result.ok
    assert "imed out" in result.found


def test_a_secret_header_is_not_in_the_result(site: Any, build: Any) -> None:
    result = _checks.http(build.check(f"{site.url}/", headers={"Authorization": "Bearer hunter2"}))
    assert "hunter2" not in repr(result)


def test_checks_are_asked_side_by_side(build: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check = build.check(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
        begun = time.monotonic()
        results = _checks.run([check] * 8)
    assert len(results) == 8
    assert time.monotonic() - begun < 0.2 * 4


def test_waiting_ends_as_soon_as_every_check_holds(site: Any, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.sleep

    def heal(seconds: float) -> None:
        site.answers["/"] = (200, b"")
        real(seconds)

    monkeypatch.setattr(time, "sleep", heal)
    (result,) = _checks.wait([build.check(f"{site.url}/")], 30)
    assert result.ok


def test_waiting_ends_with_the_names_of_all_that_do_not_hold(site: Any, build: Any) -> None:
    site.answers["/good"] = (200, b"")
    checks = [build.check(f"{site.url}/{name}", name=name) for name in ("good", "one", "two")]
    with pytest.raises(RollbackError, match="one: status 404, wanted 200; two: status 404, wanted 200") as caught:
        _checks.wait(checks, 0.05)
    assert "good" not in caught.value.message


def test_a_check_that_fails_is_not_hidden_by_another_of_the_same_name(site: Any, build: Any) -> None:
    site.answers["/good"] = (200, b"")
    with pytest.raises(RollbackError, match="status 404"):
        _checks.wait([build.check(f"{site.url}/{path}", name="page") for path in ("bad", "good")], 0)


def test_results_come_in_the_order_of_the_checks(site: Any, build: Any) -> None:
    site.answers.update({"/a": (200, b""), "/b": (200, b"")})
    results = _checks.wait([build.check(f"{site.url}/{name}", name=name) for name in ("b", "a")], 0)
    assert [result.name for result in results] == ["b", "a"]


def test_no_checks_hold_at_once() -> None:
    assert _checks.wait([], 0) == []


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/", "http://", "http:///path", "http://host:notaport/", "http://[::1", "http://:80/"],
)
def test_a_url_that_leads_nowhere_is_refused_with_its_name(build: Any, url: str) -> None:
    with pytest.raises(RollbackError, match="check page has a URL that leads nowhere"):
        _checks.refuse_unknown_hosts([build.check(url, name="page")])


def test_a_url_whose_service_is_down_is_not_refused(build: Any) -> None:
    _checks.refuse_unknown_hosts([build.check(f"http://127.0.0.1:{_closed_port()}/")])


CONTAINERS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "as captured": ([{}], {}, ""),
    "two replicas": ([{}, {"id": "2"}], {"replicas": 2}, ""),
    "no health check": ([{"health": None}], {}, ""),
    "absent": ([], {}, "0 of 1 containers exist"),
    "too few": ([{}], {"replicas": 2}, "1 of 2 containers exist"),
    "unhealthy": ([{"health": "unhealthy"}], {}, "running, unhealthy"),
    "starting": ([{"health": "starting"}], {}, "running, starting"),
    "exited": ([{"running": False, "exit_code": 1}], {}, "not running (exit code 1)"),
    "one of two bad": ([{}, {"id": "2", "health": "unhealthy"}], {"replicas": 2}, "unhealthy"),
}


@pytest.mark.parametrize(("seen", "part", "found"), CONTAINERS.values(), ids=CONTAINERS)
def test_containers_are_compared_with_the_point(
    build: Any, seen: list[dict[str, Any]], part: dict[str, Any], found: str
) -> None:
    now = build.observed(containers=tuple(build.container(**change) for change in seen))
    (result,) = _checks.containers(now, build.point(services={"web": build.service_part(**part)}))
    assert result.ok is (not found)
    assert found in result.found


def test_a_running_image_that_is_not_the_points_is_named_by_id(build: Any) -> None:
    now = build.observed(containers=(build.container(image_id="sha256:" + "b" * 64),))
    (result,) = _checks.containers(now, build.point())
    assert not result.ok
    assert "shop-web-1 runs bbbbbbbbbbbb, not " in result.found


def test_a_one_shot_job_is_not_expected_to_run(build: Any) -> None:
    assert _checks.containers(build.observed(), build.point(services={"job": build.service_part(replicas=0)})) == []


def test_a_job_that_ended_well_is_healthy_enough_and_one_that_failed_is_not(build: Any) -> None:
    job, bad = (build.container(running=False, exit_code=code, name=f"job-{code}") for code in (0, 3))
    assert _checks.health(build.observed(containers=(job,))) == []
    (result,) = _checks.health(build.observed(containers=(bad,)))
    assert (result.ok, result.name) == (False, "container job-3")


class _Networks:
    def __init__(self, *names: str) -> None:
        self.names = names

    def networks(self, project: str) -> list[str]:
        return list(self.names)


def test_containers_and_networks_that_belong_to_nothing_are_found(build: Any) -> None:
    now = build.observed(
        containers=(
            build.container(),
            build.container(id="2", name="shop-web-2", number=2),
            build.container("old", name="shop-old-1"),
            build.container("job", name="shop-job-1", running=False),
        ),
        definition={"name": "shop", "services": {}, "networks": {"default": {"name": "shop_default"}}},
    )
    result = _checks.leftovers(now, {"web": 1, "job": 0}, _Networks("shop_default", "shop_old"))  # type: ignore[arg-type]
    assert not result.ok
    assert result.found == "shop-old-1, shop-web-2, network shop_old"
    result = _checks.leftovers(now, {"web": 2, "job": 0, "old": 1}, _Networks("shop_default"))  # type: ignore[arg-type]
    assert result.ok


def test_who_was_to_be_left_alone_must_be_the_same_container_and_never_restarted(build: Any) -> None:
    web, down = build.container(), build.container("down", running=False, pid=0, health=None, exit_code=1)
    before = build.observed(containers=(web, down, build.container("api")))

    def found(*containers: Any) -> dict[str, str]:
        results = _checks.untouched(before, build.observed(containers=containers), {"api"})
        return {result.name: result.found for result in results if not result.ok}

    assert found(web, down) == {}
    # What did not run before may do what it wants.
    assert found(web, build.container("down", pid=7)) == {}
    assert found(down) == {"untouched shop-web-1": "is gone"}
    assert found(build.container(pid=5), down) == {"untouched shop-web-1": "was restarted"}
    assert found(build.container(health="unhealthy"), down) == {"untouched shop-web-1": "is running, unhealthy"}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("a.1", "y"), ("a", ["x", "y"]), ("b.c", None), ("b", _checks.MISSING), ("a.7", _checks.MISSING)],
)
def test_a_value_is_found_at_its_dotted_path(path: str, wanted: Any) -> None:
    document = {"a": ["x", "y"], **({"b": {"c": None}} if path == "b.c" else {})}
    assert _checks.at(document, path) == wanted


def test_where_a_part_goes_back_only_its_checks_and_those_that_held_must_hold(build: Any) -> None:
    url = "http://127.0.0.1/"
    services = {name: {"checks": [{"url": f"{url}{name}"}]} for name in ("api", "web", "mail")}
    stack = build.stack(services=services)
    before = [{"name": "web-0", "ok": True}, {"name": "mail-0", "ok": False}]
    needed, rest = _checks.parted(stack.checks, stack, {"api"}, (), before)
    assert ([each.name for each in needed], [each.name for each in rest]) == (["api-0", "web-0"], ["mail-0"])
    assert _checks.parted(stack.checks, stack, {"api"}, stack.checks, before)[1] == []
    assert _checks.parted(stack.checks, stack, None, (), before) == ([*stack.checks], [])


def test_what_a_check_sends_stays_with_its_host_where_that_sends_it_on(site: Any, build: Any) -> None:
    elsewhere = f"http://localhost:{site.url.rpartition(':')[2]}"
    site.answers = {
        "/here": (307, b"", {"Location": "/there"}),
        "/there": (307, b"", {"Location": f"{elsewhere}/away"}),
        "/away": (200, b"{}"),
    }
    secret = {"Authorization": "Bearer hunter2", "X-Token": "hunter2"}
    check = build.check(f"{site.url}/here", method="POST", headers=secret, body={"password": "hunter2"})
    assert _checks.http(check).ok
    here, there, away = site.asked
    assert there.headers["X-Token"] == here.headers["X-Token"] == "hunter2"
    assert b"hunter2" in there.body
    assert "hunter2" not in f"{away.headers}{away.body}"
