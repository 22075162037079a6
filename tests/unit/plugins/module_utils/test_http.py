# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _http
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._http import Http, HttpError

TOKEN = "hunter2-hunter2"
Raw = Callable[..., str]


def client(url: str, timeout: float = 5) -> Http:
    return Http(url, {"Authorization": f"Bearer {TOKEN}"}, timeout)


@pytest.fixture
def raw() -> Iterator[Raw]:
    """Serve bytes as they are, one connection each; a pause in seconds comes between each two parts."""
    listening: list[socket.socket] = []

    def serve(*parts: bytes, pause: float = 0, linger: float = 0) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def loop() -> None:
            while True:
                try:
                    connection, _unused = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        for part in parts:
                            connection.sendall(part)
                            time.sleep(pause)
                    except OSError:
                        continue
                    time.sleep(linger)

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server in listening:
        server.close()


def test_json_goes_both_ways_with_the_headers(site: Any) -> None:
    site.answers["/base/x"] = (200, b'{"a": [1]}')
    assert client(f"{site.url}/base/").ask("POST", "/x", {"b": 2}) == {"a": [1]}
    (asked,) = site.asked
    assert (asked.method, asked.body, asked.headers["Authorization"]) == ("POST", b'{"b": 2}', f"Bearer {TOKEN}")
    assert asked.headers["Content-Type"] == "application/json"


def test_no_content_is_none(site: Any) -> None:
    site.answers["/x"] = (204, b"")
    assert client(site.url).ask("DELETE", "/x") is None


def test_an_entry_of_netrc_does_not_take_the_tokens_place(site: Any, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site.answers["/x"] = (200, b"{}")
    client(site.url).ask("GET", "/x")
    assert site.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_may_be_repeated_is_until_it_succeeds(site: Any, method: str, status: int) -> None:
    site.answers["/x"] = [(status, b""), (status, b""), (200, b"{}")]
    assert client(site.url).ask(method, "/x") == {}
    assert len(site.asked) == 3


def test_retries_are_bounded(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_BACKOFF", 0.01)
    site.answers["/x"] = (503, b'{"detail": "later"}')
    with pytest.raises(HttpError, match=r"failed \(503\): later") as caught:
        client(site.url).ask("GET", "/x")
    assert len(site.asked) == 1 + _http._RETRIES
    assert (caught.value.status, caught.value.document) == (503, {"detail": "later"})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_post_is_never_repeated(site: Any, status: int) -> None:
    site.answers["/x"] = [(status, b"", {"Retry-After": "0"}), (200, b"{}")]
    with pytest.raises(HttpError):
        client(site.url).ask("POST", "/x", {})
    assert len(site.asked) == 1


def test_a_post_whose_connection_breaks_is_not_repeated_and_the_hint_says_what_that_means(raw: Raw) -> None:
    with pytest.raises(RollbackError, match=r"POST .* failed: ") as caught:
        client(raw(b"")).ask("POST", "/x", {})
    assert "may have been done" in caught.value.hint


def test_retry_after_is_waited_for(site: Any) -> None:
    site.answers["/x"] = [(429, b"", {"Retry-After": "1"}), (200, b"{}")]
    begun = time.monotonic()
    client(site.url).ask("GET", "/x")
    assert time.monotonic() - begun >= 1


def test_retry_after_beyond_the_timeout_ends_at_once(site: Any) -> None:
    site.answers["/x"] = (503, b"", {"Retry-After": "3600"})
    begun = time.monotonic()
    with pytest.raises(HttpError, match="503"):
        client(site.url, 3).ask("GET", "/x")
    assert (len(site.asked), time.monotonic() - begun < 2) == (1, True)


def test_nothing_as_answer_ends_after_the_timeout(raw: Raw) -> None:
    begun = time.monotonic()
    with pytest.raises(RollbackError, match=r"was not answered within 0\.3 s") as caught:
        client(raw(linger=5), 0.3).ask("POST", "/x", {})
    assert time.monotonic() - begun < 2
    assert "may have been done" in caught.value.hint


def test_the_timeout_holds_for_all_attempts_together(raw: Raw) -> None:
    begun = time.monotonic()
    with pytest.raises(RollbackError, match="was not answered"):
        client(raw(b"HTTP/1.1 503 later\r\nContent-Length: 9\r\n\r\n", linger=0.4), 0.6).ask("GET", "/x")
    assert time.monotonic() - begun < 1.5


def test_an_answer_that_drips_ends_after_the_timeout(raw: Raw) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    begun = time.monotonic()
    with pytest.raises(RollbackError, match="was not answered"):
        client(raw(head, *[b" "] * 1000, pause=0.05), 0.3).ask("GET", "/x")
    assert time.monotonic() - begun < 2


def test_a_refused_connection_is_tried_again_and_then_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(RollbackError, match="ConnectionRefusedError") as caught:
        client(url, 1).ask("POST", "/x", {})
    assert "may have been done" not in caught.value.hint


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://x:notaport", "http://no-such-host.invalid"])
def test_a_url_that_leads_nowhere_is_an_error(url: str) -> None:
    with pytest.raises(RollbackError, match="failed: "):
        client(url, 2).ask("GET", "/x")


@pytest.mark.parametrize("url", ["ftp://x", "http://u:hunter2@x"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(RollbackError, match="the API's URL") as caught:
        client(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_is_said_and_never_shown(site: Any, status: int) -> None:
    site.answers["/x"] = (status, f'{{"detail": "{TOKEN} is wrong"}}'.encode())
    with pytest.raises(HttpError, match="the token is wrong or missing") as caught:
        client(site.url).ask("GET", "/x")
    assert TOKEN not in str(caught.value)


def test_no_redirect_is_followed_because_the_token_would_go_along(site: Any) -> None:
    site.answers["/x"] = (302, b"", {"Location": f"{site.url.replace('127.0.0.1', 'localhost')}/y?secret=1"})
    with pytest.raises(HttpError, match=r"was redirected to localhost\n"):
        client(site.url).ask("GET", "/x")
    assert [asked.path for asked in site.asked] == ["/x"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "too much"}', "failed (409): too much"),
        (b'{"message": "Not Found"}', "failed (409): Not Found"),
        (b'{"detail": [{"loc": ["body", "levels"], "msg": "too small"}]}', "too small"),
        (b"<html>an error page</html>", "failed (409)"),
        (b"[1]", "failed (409)"),
        (b"", "failed (409)"),
    ],
)
def test_a_refusal_says_what_the_service_said(site: Any, body: bytes, said: str) -> None:
    site.answers["/x"] = (409, body)
    with pytest.raises(HttpError) as caught:
        client(site.url).ask("POST", "/x", {})
    assert said in caught.value.message
    assert "html" not in caught.value.message


def test_an_internal_error_names_the_log(site: Any) -> None:
    site.answers["/x"] = (500, b"Traceback ...")
    with pytest.raises(HttpError, match=r"failed \(500\)") as caught:
        client(site.url).ask("GET", "/x")
    assert (len(site.asked), "log" in caught.value.hint) == (1, True)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "text/html"),
        (b"", "empty"),
        (b"{", "text/html"),
        (b"[" * 100_000, "text/html"),
        (b"\xff", "text/html"),
    ],
)
def test_what_is_no_json_is_named_by_its_type(site: Any, body: bytes, kind: str) -> None:
    site.answers["/x"] = (200, body, {"Content-Type": "text/html"})
    with pytest.raises(RollbackError, match=f"with what is no JSON: {kind}") as caught:
        client(site.url).ask("GET", "/x")
    assert site.url in caught.value.hint


def test_an_answer_that_is_too_long_is_not_read_to_its_end(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_MOST", 1000)
    site.answers["/x"] = (200, b" " * 100_000)
    with pytest.raises(RollbackError, match="more than 1000 bytes"):
        client(site.url).ask("GET", "/x")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MISSING", ImportError("no", name="requests"))
    with pytest.raises(RollbackError, match="missing on the target host: requests"):
        client("http://x")
