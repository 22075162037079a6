# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.filter import fleet

ROOT = Path(__file__).resolve().parents[4]
FILTERS = fleet.FilterModule().filters()


def test_a_plan_that_cannot_be_is_a_failure_with_its_hint() -> None:
    assert FILTERS["fleet_plan"](("a", "b"), 1)["serial"] == [1, 1]
    with pytest.raises(AnsibleFilterError, match="there are no hosts\nHINT: "):
        FILTERS["fleet_plan"]([])


class Lazy(dict[str, Any]):
    """What is in it shows only to who asks for it by name, as with Ansible's own."""

    def __init__(self, **values: Any) -> None:
        super().__init__(dict.fromkeys(values))
        self._values = values

    def items(self) -> Any:
        """Return the values that are meant."""
        return self._values.items()

    def __getitem__(self, key: str) -> Any:
        return self._values[key]


def test_what_is_evaluated_only_when_it_is_looked_at_is_looked_at() -> None:
    plan = FILTERS["fleet_plan"](["a", "b"])
    result = FILTERS["fleet_result"](Lazy(failed=True, msg="no room\nHINT: make some"), "a")
    assert (result["outcome"], result["error"], result["hint"]) == ("failed", "no room", "make some")
    lazy = Lazy(**result)
    assert FILTERS["fleet_verdict"](Lazy(**plan), (lazy,))["why"] == "the canary did not succeed: a (failed)"


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_the_documentation_is_of_what_a_filter_takes_and_returns(name: str) -> None:
    documented = yaml.safe_load((ROOT / f"plugins/filter/{name}.yml").read_text())
    parameters = inspect.signature(FILTERS[name]).parameters
    options = documented["DOCUMENTATION"]["options"]
    assert list(options)[1:] == list(parameters)[1:]
    for option, parameter in list(parameters.items())[1:]:
        default = None if parameter.default is parameter.empty else parameter.default
        assert options[option].get("default") == default
        assert options[option].get("required", False) is (parameter.default is parameter.empty)
    plan = FILTERS["fleet_plan"](["a"])
    returned = {
        "fleet_plan": plan,
        "fleet_result": FILTERS["fleet_result"]({}, "a"),
        "fleet_verdict": FILTERS["fleet_verdict"](plan, []),
    }
    assert set(documented["RETURN"]["_value"]["contains"]) == set(returned[name])
