# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the collection as a whole: nothing is forgotten, and what is said twice is said alike."""

from __future__ import annotations

import ast
import configparser
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _context, _module, _names

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.tiered.rollback.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
PLUGINS = sorted(path for path in (ROOT / "plugins").rglob("*.py") if path.parent.name != "doc_fragments")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLE_TASKS = sorted((ROOT / "roles").glob("*/tasks/*.yml"))


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tasks(entries: list[dict[str, Any]], skippable: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every play, block and task, and whether a condition may skip it."""
    for entry in entries:
        skipped = skippable or "when" in entry
        yield entry, skipped
        for part in ("tasks", "block", "rescue", "always"):
            yield from _tasks(entry.get(part, []), skipped)


def _imported(path: Path, task: dict[str, Any]) -> Path | None:
    """The file whose tasks stand in the place of *task*, each with its condition."""
    if "ansible.builtin.import_tasks" in task:
        return path.with_name(str(task["ansible.builtin.import_tasks"]))
    role = task.get("ansible.builtin.import_role")
    if role is None:
        return None
    name, file = role["name"].removeprefix("tiered.rollback."), role.get("tasks_from", "main")
    return ROOT / "roles" / name / "tasks" / f"{file}.yml"


def test_every_plugin_has_its_tests_at_the_mirrored_path() -> None:
    plugins = [path for path in PLUGINS if path.name != "__init__.py"]
    mirror = ROOT / "tests/unit"
    tests = {path: mirror / path.parent.relative_to(ROOT) / f"test_{path.stem.lstrip('_')}.py" for path in plugins}
    assert [path for path, test in tests.items() if not test.is_file()] == []


def test_every_test_file_has_its_plugin() -> None:
    for path in (ROOT / "tests/unit/plugins").rglob("test_*.py"):
        folder = ROOT / path.parent.relative_to(ROOT / "tests/unit")
        name = path.stem.removeprefix("test_")
        assert (folder / f"{name}.py").is_file() or (folder / f"_{name}.py").is_file(), path


def test_the_action_group_holds_exactly_the_modules() -> None:
    assert sorted(_load(ROOT / "meta/runtime.yml")["action_groups"]["rollback"]) == MODULES


def test_the_readme_names_the_oldest_ansible_that_the_collection_loads_on() -> None:
    required = _load(ROOT / "meta/runtime.yml")["requires_ansible"]
    oldest = required.removeprefix(">=").removesuffix(".0")
    assert f"ansible-core {oldest} or newer" in (ROOT / "README.md").read_text()
    assert f"ansible-core=={oldest}." in (ROOT / "requirements.txt").read_text()


class _Captured(Exception):
    """Carries the arguments that a module gives to AnsibleModule."""


def _options(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Any]]:
    """The argument specification a module really uses, and its documentation with fragments put in."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")

    def capture(**arguments: Any) -> None:
        assert arguments["supports_check_mode"] is True
        raise _Captured(arguments["argument_spec"])

    monkeypatch.setattr(_module, "Module", capture)
    if hasattr(module, "AnsibleModule"):
        monkeypatch.setattr(module, "AnsibleModule", capture)
    with pytest.raises(_Captured) as caught:
        module.main()
    documented = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documented.get("options") or {})
    attributes = dict(documented.get("attributes") or {})
    for fragment in documented.get("extends_documentation_fragment") or ():
        file, _unused, part = fragment.removeprefix("tiered.rollback.").partition(".")
        fragments = importlib.import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
        loaded = yaml.safe_load(getattr(fragments, part.upper() or "DOCUMENTATION"))
        options = {**(loaded.get("options") or {}), **options}
        attributes = {**(loaded.get("attributes") or {}), **attributes}
    return caught.value.args[0], {"options": options, "attributes": attributes, "module": documented["module"]}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_exactly_the_options_it_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, documented = _options(name, monkeypatch)
    keys = ("type", "default", "choices", "elements", "required")
    absent = {"type": "str", "required": False}
    assert {option: {key: spec.get(key, absent.get(key)) for key in keys} for option, spec in real.items()} == {
        option: {key: spec.get(key, absent.get(key)) for key in keys} for option, spec in documented["options"].items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documented_with_attributes_example_and_return_values(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _real, documented = _options(name, monkeypatch)
    assert documented["module"] == name
    assert {"check_mode", "diff_mode", "idempotent"} <= set(documented["attributes"])
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    assert all(f"tiered.rollback.{name}" in task for task in yaml.safe_load(module.EXAMPLES))
    assert all({"description", "returned", "type"} <= set(entry) for entry in yaml.safe_load(module.RETURN).values())


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_argument_specification_has_its_real_defaults(role: str) -> None:
    directory = ROOT / "roles" / role
    path = directory / "defaults/main.yml"
    real = (_load(path) if path.exists() else None) or {}
    specified = _load(directory / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    own = {name: spec for name, spec in specified.items() if name.startswith(f"{role}_") or name in real}
    for name, default in real.items():
        assert name in specified, f"{name} is not in the specification"
        if default == "{{ omit }}":
            assert "default" not in specified[name]
        else:
            assert specified[name]["default"] == default
    # A shared variable such as rollback_state_dir has its default in the module.
    for name, spec in own.items():
        if "default" in spec and name not in ("rollback_state_dir",):
            assert name in real, f"{name} is said to have a default, but has none"


def test_the_state_directory_has_one_default() -> None:
    specified = [_load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]["main"] for role in ROLES]
    named = [spec["options"]["rollback_state_dir"] for spec in specified if "rollback_state_dir" in spec["options"]]
    assert {spec["default"] for spec in named} == {_context.STATE_DIR}


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_variables_carry_its_name_and_its_tasks_are_sentences(role: str) -> None:
    directory = ROOT / "roles" / role
    for path in (directory / "defaults").glob("*.yml"):
        assert all(name.startswith(f"{role}_") for name in _load(path)), path

    for path in (directory / "tasks").glob("*.yml"):
        names = [task["name"] for task, _skippable in _tasks(_load(path))]
        assert all(name[0].isupper() and " " in name for name in names), path


def test_both_configuration_files_say_the_same() -> None:
    """Ansible reads the file of the folder it is run from, so a user gets either."""
    top, below = configparser.ConfigParser(), configparser.ConfigParser()
    top.read(ROOT / "ansible.cfg")
    below.read(ROOT / "playbooks/ansible.cfg")

    def moved(value: str) -> str:
        return ":".join(f"../{part}" if part.startswith((".c", "inv")) else part for part in value.split(":"))

    paths = {("defaults", "inventory"), ("defaults", "collections_path")}
    wanted = {
        section: {key: moved(value) if (section, key) in paths else value for key, value in top.items(section)}
        for section in top.sections()
    }
    assert {section: dict(below.items(section)) for section in below.sections()} == wanted


@pytest.mark.parametrize("path", [path for path in PLAYBOOKS if "-" in path.stem], ids=_name)
def test_a_dashed_playbook_imports_its_twin_that_can_be_an_fqcn(path: Path) -> None:
    (play,) = _load(path)
    twin = path.name.replace("-", "_")
    assert play["ansible.builtin.import_playbook"] == twin
    assert (ROOT / "playbooks" / twin).is_file()


@pytest.mark.parametrize("path", [path for path in PLAYBOOKS if "_" in path.stem], ids=_name)
def test_a_playbook_with_an_underscore_has_a_name_that_people_type(path: Path) -> None:
    assert path.with_name(path.name.replace("_", "-")).is_file()


@pytest.mark.parametrize("path", [path for path in PLAYBOOKS if "-" not in path.stem], ids=_name)
def test_a_playbook_checks_what_was_given_before_anything_reads_it(path: Path) -> None:
    checked = False
    for play in _load(path):
        first = play["tasks"][0]
        text = path.read_text()
        # What a play has checked is checked for those after it.
        checked = checked or "tiered.rollback.launch" in first
        if not checked:
            assert "rollback_launch" not in text
        bare = [name for name in _names.LAUNCH_VARIABLES if f"{{{{ {name}" in text]
        assert not bare, f"{bare} would be evaluated unchecked"
        assert play["gather_facts"] is False


@pytest.mark.parametrize("path", [path for path in PLAYBOOKS if "-" not in path.stem], ids=_name)
def test_a_playbook_is_recorded_under_the_name_that_people_type(path: Path) -> None:
    for play in _load(path):
        launch = play["tasks"][0].get("tiered.rollback.launch")
        if launch:
            typed = path.name.replace("_", "-")
            assert launch["playbook"] == typed
            assert set(launch.get("required", ())) <= set(_names.LAUNCH_VARIABLES)


def _launching(path: Path, skippable: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """The tasks that launch or approve, of a file and of what it imports, and whether a condition may skip them."""
    for task, skipped in _tasks(_load(path), skippable):
        if task.keys() & {"tiered.rollback.launch", "tiered.rollback.approve"}:
            yield task, skipped
        imported = _imported(path, task)
        if imported:
            yield from _launching(imported, skipped)


def test_what_a_launch_returns_is_registered_as_what_roles_read() -> None:
    """A task that is skipped registers just that, in the place of the run: one that may not be wanted is included."""
    files = [*(path for path in PLAYBOOKS if "-" not in path.stem), *ROLE_TASKS]
    found = [(path, task, skippable) for path in files for task, skippable in _launching(path)]
    assert len(found) > len([path for path in files if "tiered.rollback.launch:" in path.read_text()]) > 20
    assert [_name(path) for path, _task, skippable in found if skippable] == []
    registered = {_name(path): task.get("register") for path, task, _skippable in found}
    others = {name: register for name, register in registered.items() if register != "rollback_launch"}
    # The way back is a run beside the deployment, which is told of after it.
    assert others == {"roles/deploy/tasks/back.yml": "_deploy_back_begun"}


def test_a_phase_takes_what_the_variables_of_its_role_are_made_of() -> None:
    """They are made anew each time they are read, and from the phase's own launch once it has one."""
    tasks = _load(ROOT / "playbooks/tier3_partial.yml")[0]["tasks"]
    (made,) = (task["vars"] for task in tasks if "tiered.rollback.phases" in str(task))
    launch = _load(ROOT / "roles/phases/tasks/phase.yml")[0]["block"][0]["tiered.rollback.launch"]
    assert set(launch["optional"]) == set(re.findall(r"rollback_launch\.given\.(\w+)", str(made)))


def test_a_fleet_takes_what_the_playbook_of_its_tier_takes() -> None:
    """But for phases, which are about one host."""
    taken = _load(ROOT / "roles/fleet/vars/main.yml")["_fleet_takes"]
    optional: set[str] = set()
    for path in sorted((ROOT / "playbooks").glob("tier?_*.yml")):
        launch = _load(path)[0]["tasks"][0]["tiered.rollback.launch"]
        tier = launch["tier"]
        real = {key: launch[key] for key in ("required", "optional", "required_one_of", "required_by") if key in launch}
        real["optional"] = [name for name in real["optional"] if name != "plan"]
        if "required_one_of" in real:
            real["required_one_of"] = [[name for name in names if name != "plan"] for names in real["required_one_of"]]
        assert taken.pop(tier) == real
        optional |= {*real.get("required", ()), *real["optional"]}
    assert not taken
    turn = _load(ROOT / "roles/fleet/tasks/main.yml")[1]["block"][0]["tiered.rollback.launch"]
    assert set(turn["optional"]) == optional
    first = _load(ROOT / "playbooks/fleet.yml")[0]["tasks"][0]["tiered.rollback.launch"]
    assert optional <= set(first["optional"])


def test_no_role_or_template_reads_a_launch_variable_unchecked() -> None:
    for path in [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "roles").rglob("*.j2")]:
        bare = [name for name in _names.LAUNCH_VARIABLES if f"{{{{ {name} " in path.read_text()]
        assert not bare, path


def _code_lines(path: Path) -> set[int]:
    """Lines that hold code: no comment, blank line, docstring or documentation block."""
    source = path.read_text()
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {n for token in tokens if token.type not in skipped for n in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        documentation = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        block = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "DOCUMENTATION",
            "EXAMPLES",
            "RETURN",
        )
        if documentation or block:
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


@pytest.fixture(scope="module")
def nodes() -> dict[Path, list[ast.AST]]:
    """Everything that each plugin's code is made of."""
    return {path: list(ast.walk(ast.parse(path.read_text()))) for path in PLUGINS}


def test_no_function_is_longer_than_60_lines(nodes: dict[Path, list[ast.AST]]) -> None:
    functions = [(path, node) for path, each in nodes.items() for node in each if isinstance(node, ast.FunctionDef)]
    assert [(path, node.name) for path, node in functions if (node.end_lineno or 0) - node.lineno >= 60] == []


def test_no_module_has_more_than_150_lines_of_code() -> None:
    lengths = {name: len(_code_lines(ROOT / f"plugins/modules/{name}.py")) for name in MODULES}
    assert {name: length for name, length in lengths.items() if not 5 < length <= 150} == {}


def test_every_file_carries_its_licence() -> None:
    assert [path for path in PLUGINS if "GNU General Public License v3.0+" not in path.read_text()[:300]] == []


def test_nothing_below_a_modules_main_ends_the_process(nodes: dict[Path, list[ast.AST]]) -> None:
    """Clients raise; only main() calls fail_json."""
    ends = {
        path.stem
        for path, each in nodes.items()
        if path.parent.name == "module_utils"
        and any(isinstance(node, ast.Attribute) and node.attr in ("fail_json", "exit_json") for node in each)
    }
    assert ends == {"_module"}


def test_no_command_is_given_to_a_shell(nodes: dict[Path, list[ast.AST]]) -> None:
    calls = [(path, node) for path, each in nodes.items() for node in each if isinstance(node, ast.Call)]
    assert [path for path, call in calls for keyword in call.keywords if keyword.arg == "shell"] == []
    assert [path for path, call in calls if getattr(call.func, "attr", "") in ("system", "popen")] == []
