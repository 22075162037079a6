# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet came to: one record of all hosts, told in lines, in Markdown, and as a page (pure)."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _fleet, _outcome, _telling
from ansible_collections.tiered.rollback.plugins.module_utils._fleet import Result
from ansible_collections.tiered.rollback.plugins.module_utils._markup import (
    Markup,
    cards,
    code,
    element,
    page,
    picture,
    section,
    table,
)
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain
from ansible_collections.tiered.rollback.plugins.module_utils._run import seconds_between

#: Of a fleet that was not gone through to its end.
STOPPED = "stopped"
_HEAD = (
    "host",
    "batch",
    "result",
    "from and to",
    "took",
    "no answer for",
    "error, report on the host",
)
#: Class of each outcome on the page, and whether it needs somebody.
_TONES: Mapping[str, str] = {
    _outcome.SUCCEEDED: "good",
    _fleet.UNCHANGED: "good",
    _fleet.PLANNED: "good",
    _fleet.NOT_BEGUN: "soft",
    _outcome.REVERTED: "warn",
}
_TOLD: Mapping[str, str] = {
    _fleet.UNCHANGED: "there already, nothing to do",
    _fleet.PLANNED: "would be rolled back",
    _outcome.REVERTED: "failed; the state before was put back",
}
_WIDTH, _LEFT, _ROW = 900, 220, 22


def record(
    run: Mapping[str, Any],
    given: Mapping[str, str],
    planned: Mapping[str, Any],
    results: Sequence[Result],
    forward: Sequence[Result],
    ended: str,
    inventory: Sequence[str] = (),
    limit: str = "",
) -> dict[str, Any]:
    """Return everything there is to say of a fleet, as JSON types.

    :param run: the fleet's own run.
    :param given: what was given at launch, from which the command is told again.
    :param results: what became of the hosts that had their turn, and *forward* of those that then went forward again.
    :param inventory: where its hosts are described, and *limit* which of them are meant.
    """
    found = _fleet.outcomes(planned, results)
    verdict = _fleet.verdict(planned, results)
    known = {each["host"]: each for each in results}
    again = {each["host"]: each for each in forward}
    hosts = [
        {
            **known.get(host, {**_fleet.result({"failed": True}, host, ""), **_nothing(found[host])}),
            "batch": batch["name"],
            "forward": again.get(host),
        }
        for batch in planned["batches"]
        for host in batch["hosts"]
    ]
    bad = [host for host, outcome in found.items() if outcome not in _fleet.GOOD]
    outcome = STOPPED if verdict["stopped"] else _outcome.FAILED if bad else _outcome.SUCCEEDED
    keys = ("started", "user", "host", "playbook", "reason", "decision", "escalation")
    return {
        "run": run["id"],
        "kind": "fleet",
        **{key: run.get(key) for key in keys},
        "ended": ended,
        "duration": seconds_between(str(run["started"]), ended),
        "command": command(given, inventory, limit),
        "inventory": list(inventory),
        "asked": _asked(given),
        "failures": planned["failures"],
        "done": planned["done"],
        "outcome": outcome,
        "why": verdict["why"],
        "counts": dict(Counter(found.values())),
        "hosts": hosts,
    }


def _nothing(outcome: str) -> dict[str, Any]:
    """Return what is known of a host that told nothing."""
    return {"outcome": outcome, **({"error": None} if outcome == _fleet.NOT_BEGUN else {})}


def command(given: Mapping[str, str], inventory: Sequence[str] = (), limit: str = "") -> str:
    """Return the command that was typed, what matters most first."""
    first = [name for name in ("tier", "version", "component", "flags") if name in given]
    names = [*first, *(name for name in given if name not in first)]
    asked = [part for name in names for part in ("-e", f"{name}={given[name]}")]
    return shlex.join(["ansible-playbook", "fleet.yml", *_of_hosts(inventory, limit), *asked])


def _of_hosts(inventory: Sequence[str], limit: str) -> list[str]:
    """Return the options without which a command would be one about other hosts."""
    return [*(part for each in inventory for part in ("-i", each)), *(["--limit", limit] if limit else [])]


def _asked(given: Mapping[str, str]) -> str:
    parts = [given["component"]] if given.get("component") else []
    parts += [given["flags"]] if given.get("flags") else []
    of, to = f" of {', '.join(parts)}" if parts else "", f" to {given['version']}" if given.get("version") else ""
    return f"Tier {given['tier']} rollback{of}{to}"


def headline(full: Mapping[str, Any]) -> str:
    """Return in one sentence where the fleet stands."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in full["counts"].items())
    word = {_outcome.SUCCEEDED: "succeeded", STOPPED: "was STOPPED"}.get(full["outcome"], "FAILED in part")
    return f"{full['asked']} of {len(full['hosts'])} hosts {word}: {told}"


def next_steps(full: Mapping[str, Any]) -> list[str]:
    """Return what is to be done after a fleet."""
    hints: dict[str, list[str]] = {}
    for each in full["hosts"]:
        for found in filter(None, [each["hint"], (each["forward"] or {}).get("hint")]):
            hints.setdefault(found, []).append(each["host"])
    steps = [f"{', '.join(hosts)}: {hint}" for hint, hosts in hints.items()]
    lost = _named(full, _fleet.UNREACHABLE)
    if lost:
        steps.append(
            "What was begun on a host before it became unreachable may have gone on there; its own ledger knows: "
            f"`{_play('status.yml', full, lost)}`."
        )
    if full["outcome"] != _outcome.SUCCEEDED:
        steps.append(f"Then the same command again, for hosts that are done have nothing to do: `{full['command']}`.")
    done = [
        each["host"]
        for each in full["hosts"]
        if each["outcome"] == _outcome.SUCCEEDED and (each["forward"] or {}).get("outcome") != _outcome.SUCCEEDED
    ]
    if done:
        steps.append(f"To undo it on the hosts that are done: `{_play('undo.yml', full, done)}`.")
    return steps


def _play(name: str, full: Mapping[str, Any], hosts: Sequence[str]) -> str:
    """Return the command that runs another playbook on some of the hosts."""
    return shlex.join(["ansible-playbook", name, *_of_hosts(full["inventory"], ",".join(hosts))])


def _named(full: Mapping[str, Any], outcome: str) -> list[str]:
    return [each["host"] for each in full["hosts"] if each["outcome"] == outcome]


def told(each: Mapping[str, Any]) -> str:
    """Say in a few words what became of a host."""
    outcome = str(each["outcome"])
    text = _TOLD.get(outcome, outcome)
    if each["forward"]:
        went = each["forward"]["outcome"] == _outcome.SUCCEEDED
        text += "; went forward again" if went else "; did NOT go forward again"
    return text


def lines(full: Mapping[str, Any]) -> list[str]:
    """Return what the end of the playbook shows: every host that needs somebody, and what is to be done."""
    notable = [
        f"  {each['host']} ({each['batch']}): {told(each)}{': ' + each['error'] if each['error'] else ''}"
        for each in full["hosts"]
        if each["outcome"] not in (*_fleet.GOOD, _fleet.NOT_BEGUN) or each["forward"]
    ]
    rest = _named(full, _fleet.NOT_BEGUN)
    return [
        headline(full),
        *([f"  {full['why']}"] if full["why"] else []),
        *notable,
        *([f"  not begun: {', '.join(rest)}"] if rest else []),
        *(f"  {step}" for step in next_steps(full)),
    ]


def unwell(full: Mapping[str, Any]) -> dict[str, str]:
    """Return what went wrong on each host that has had its turn, for a failure of its own."""
    found = {}
    for each in full["hosts"]:
        forward = each["forward"] or {}
        if (
            each["outcome"] not in (*_fleet.GOOD, _fleet.NOT_BEGUN)
            or forward.get("outcome", _outcome.SUCCEEDED) not in _fleet.GOOD
        ):
            last = forward or each
            said = f"{told(each)}: {last['error']}" if last["error"] else told(each)
            found[each["host"]] = f"{said}\nHINT: {last['hint'] or 'The report of the fleet says what to do.'}"
    return found


def _rows(full: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row of :data:`_HEAD` for each host."""
    return [
        (
            each["host"],
            each["batch"],
            told(each),
            f"{each['from_version'] or '?'} → {each['to_version']}" if each["to_version"] else "-",
            "-" if each["duration"] is None else _telling.seconds(each["duration"]),
            "-" if each["outage"] is None else f"{each['outage']:.2f} s",
            " ".join(filter(None, [each["error"], each["report"]])) or "-",
        )
        for each in full["hosts"]
    ]


def _facts(full: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        ("run", full["run"]),
        ("started", full["started"]),
        ("ended", full["ended"]),
        ("took", _telling.seconds(full["duration"])),
        ("user", full["user"]),
        ("controller", full["host"]),
        ("reason", full["reason"] or "not stated"),
        ("command", full["command"]),
        ("stops", f"when the canary does not succeed, or more than {full['failures']} % of a batch do not"),
        ("hosts that are done are then", "taken forward again" if full["done"] == _fleet.FORWARD else "kept"),
    ]


def markdown(full: Mapping[str, Any]) -> str:
    """Render a record."""
    parts = [f"# {plain(headline(full))}", ""]
    parts += [f"**{plain(full['why'])}**", ""] if full["why"] else []
    parts += ["## Hosts", "", *_outcome.table(_HEAD, _rows(full))]
    parts += ["## Next steps", "", *(f"- [ ] {plain(step)}" for step in next_steps(full)), ""]
    parts += ["## This run", "", *_outcome.table(("", ""), _facts(full))]
    return "\n".join([*parts, *_outcome.decision(full["decision"]), *_outcome.escalation(full)])


def html(full: Mapping[str, Any]) -> str:
    """Render a record as a page that needs nothing beside itself."""
    tone = {_outcome.SUCCEEDED: "good"}.get(full["outcome"], "bad")
    state = element("span", ("✓ " if tone == "good" else "✗ ") + full["outcome"], class_=f"state {tone}")
    title = headline(full)
    steps = next_steps(full)
    decided, called = _outcome.decided(full["decision"]), _outcome.escalated(full)
    return page(
        title,
        element("p", state),
        element("h1", title),
        *([element("p", element("strong", full["why"]))] if full["why"] else []),
        element("p", f"Why: {_telling.known(full, 'reason')}"),
        element("p", f"Began {_telling.moment(full['started'])}, by {_telling.known(full, 'user')}", class_="soft"),
        cards(
            [("Took", _telling.seconds(full["duration"]), ""), *((o, n, "hosts") for o, n in full["counts"].items())]
        ),
        *([section("Next steps", element("ul", *(element("li", code(step)) for step in steps)))] if steps else []),
        section(
            "Hosts", table(_HEAD, [_coloured(row, each) for row, each in zip(_rows(full), full["hosts"], strict=True)])
        ),
        *_timeline(full),
        *([section("Decision and approval", table(("", ""), decided))] if decided else []),
        *([section("Whom to call", table(_outcome.ESCALATION, called))] if called else []),
        section("This run", table(("", ""), _facts(full))),
    )


def _coloured(row: tuple[str, ...], each: Mapping[str, Any]) -> tuple[object, ...]:
    told_so = element("strong", row[2], class_=f"words {_TONES.get(each['outcome'], 'bad')}")
    host, batch, versions, took, silence = (element("span", row[n], class_="whole") for n in (0, 1, 3, 4, 5))
    return host, batch, told_so, versions, took, silence, row[6]


def _timeline(full: Mapping[str, Any]) -> list[Markup]:
    """Draw when each host had its turn."""
    turns = [each for each in full["hosts"] if each["started"] and each["duration"] is not None]
    if not turns:
        return []
    scale = (_WIDTH - _LEFT - 80) / max(full["duration"], 0.001)
    drawn: list[Markup] = []
    for number, each in enumerate(turns):
        top = number * _ROW
        begin = _LEFT + seconds_between(full["started"], each["started"]) * scale
        width = max(each["duration"] * scale, 1)
        good = each["outcome"] in _fleet.GOOD
        box = {"x": f"{begin:.1f}", "y": top + 4, "width": f"{width:.1f}", "height": _ROW - 8}
        drawn += [
            element("text", f"{each['host']}"[:28], x=0, y=top + 15),
            element("rect", class_="good" if good else "bad", **box),
            element(
                "text", _telling.seconds(each["duration"]), x=f"{begin + width + 4:.1f}", y=top + 15, class_="soft"
            ),
        ]
    label = f"When each of {len(turns)} hosts had its turn, and how long it took; an empty frame did not succeed"
    return [section("Turns", picture(_WIDTH, len(turns) * _ROW, label, *drawn))]
