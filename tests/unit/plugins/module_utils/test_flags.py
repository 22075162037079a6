# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _env_file, _flags
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Flag
from hypothesis import given
from hypothesis import strategies as st

TEMPLATE: dict[str, Any] = {
    "services": {
        "api": {"env_file": ["api.env"], "environment": {"AI": "${AI:-true}", "PASSED": None}},
        "worker": {"env_file": [{"path": "worker.env"}]},
        "web": {"command": ["serve", "--beta=$BETA"], "environment": {"FIXED": "true"}},
    }
}
FILES = {".env": b"BETA=1\n", "api.env": b"AUDIT=Yes # a comment\n", "worker.env": b'AI="on"\nAUDIT=no\n'}


@pytest.mark.parametrize(
    ("name", "files", "services"),
    [
        ("AI", (".env", "worker.env"), ("api", "worker")),
        ("PASSED", (".env",), ("api",)),
        ("AUDIT", ("api.env", "worker.env"), ("api", "worker")),
        ("BETA", (".env",), ("web",)),
    ],
)
def test_a_flag_is_set_wherever_a_service_reads_it(name: str, files: tuple[str], services: tuple[str]) -> None:
    found = _flags.sources(name, TEMPLATE, "/opt/shop", ".env", FILES)
    assert (found.files, found.services) == (files, services)


@pytest.mark.parametrize("name", ["A", "BET", "BETA2", "env_file"])
def test_a_flag_that_no_service_reads_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(RollbackError, match=f"no service reads the flag {name}") as caught:
        _flags.sources(name, TEMPLATE, "/opt/shop", ".env", FILES)
    assert caught.value.hint == "Flags that are read: AI, AUDIT, BETA."


def test_a_flag_that_the_compose_file_itself_sets_is_refused() -> None:
    with pytest.raises(RollbackError, match="FIXED of service web is written in the Compose file") as caught:
        _flags.sources("FIXED", TEMPLATE, "/opt/shop", ".env", FILES)
    assert "FIXED: ${FIXED:-...}" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "now", "wanted"),
    [
        (False, None, "false"),
        (False, "true", "false"),
        (False, "True", "False"),
        (False, "TRUE", "FALSE"),
        (True, "0", "1"),
        (True, "off", "on"),
        (False, "Enabled", "Disabled"),
        (True, "nonsense", "true"),
        (3, "1", "3"),
        ("beta", "true", "beta"),
    ],
)
def test_yes_and_no_are_written_in_the_words_that_are_used_there(value: Any, now: str | None, wanted: str) -> None:
    assert _flags.spelled(value, now) == wanted


@pytest.mark.parametrize(
    ("told", "wanted", "same"),
    [
        (False, False, True),
        ("false", False, True),
        ("Off", False, True),
        ("0", False, True),
        (False, "off", True),
        ("5", 5, True),
        (5, "5", True),
        ("beta", "beta", True),
        ("true", False, False),
        ("no such word", False, False),
        ("beta", "alpha", False),
        ("", False, False),
        (None, False, False),
        (None, "false", False),
        ([], "[]", False),
        ("1.0", 1, False),
    ],
)
def test_what_an_application_tells_counts_in_whichever_word_it_tells_it(told: Any, wanted: Any, same: bool) -> None:
    assert _flags.alike(told, wanted) is same


@pytest.mark.parametrize("command", ["echo $$AI", "echo $${AI}"])
def test_a_variable_of_the_containers_own_shell_is_not_read_from_a_file(command: str) -> None:
    template = {"services": {"api": {"command": command}}}
    with pytest.raises(RollbackError, match="no service reads the flag AI"):
        _flags.sources("AI", template, "/opt/shop", ".env", {".env": b"AI=true\n"})


def test_only_the_assignment_changes() -> None:
    found = _flags.edited(FILES, ["worker.env", ".env"], "AI", False)
    assert found == {"worker.env": b"AI=off\nAUDIT=no\n", ".env": b"BETA=1\nAI=false\n"}


def test_the_value_is_put_wherever_the_body_wants_it() -> None:
    body = {"flags": [{"name": "ai", "on": "{value}"}], "note": "set to {value} by us"}
    assert _flags.filled(body, False) == {"flags": [{"name": "ai", "on": False}], "note": "set to {value} by us"}


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (Flag(name="AI", status_url="http://x"), "needs both"),
        (Flag(name="AI", status_path="a"), "needs both"),
        (Flag(name="AI", api_url="http://x"), "no status_url"),
    ],
)
def test_half_a_description_is_refused(flag: Flag, message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _flags.refuse_halves(flag, "rollback_stack.flags.AI")


@given(st.dictionaries(st.sampled_from(["a.env", ".env"]), st.binary(max_size=60)), st.booleans())
def test_every_file_says_the_value_afterwards_and_all_other_bytes_stay(files: dict[str, Any], value: bool) -> None:
    for path, data in _flags.edited(files, list(files), "AI", value).items():
        text = _env_file.text(data)
        assert _env_file.value(text, "AI") == _flags.spelled(value, _env_file.value(_env_file.text(files[path]), "AI"))
