# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision matrices of documents 000, 001, 003 and 004 in one: nothing but data, read by ``_decision``.

Where documents contradict each other the safer one is here, and the row's note says so. Deadlines and response times
are in seconds.
"""

from __future__ import annotations

from typing import Any

#: The worst first, each with the other names it goes by.
SEVERITIES: dict[str, tuple[str, ...]] = {
    "critical": ("P0",),
    "high": ("P1",),
    "medium": ("P2",),
    "low": (),
    "none": (),
}

#: Playbook and usual variables of a tier; the most urgent first.
TIERS: dict[Any, tuple[str, str]] = {
    1: ("tier1-emergency.yml", "-e version=previous"),
    2: ("tier2-standard.yml", "-e version=previous"),
    3: ("tier3-partial.yml", "-e component=NAME -e version=previous"),
    "ci": ("ci-rollback.yml", "-e method=feature_flag"),
}

#: The most urgent first.
DECISIONS = ("roll back", "fix forward", "monitor", "no rollback")

#: Who approves. *strength* grows with the number of people who have to agree; *asked* says whether somebody has to be
#: named before anything is touched.
APPROVALS: dict[str, dict[str, Any]] = {
    "none": {"who": "nobody", "strength": 0, "asked": False},
    "single_maintainer": {"who": "a single maintainer", "strength": 1, "asked": False},
    "team_lead": {"who": "the team lead", "strength": 2, "asked": True},
    "team_consensus": {"who": "the team's consensus", "strength": 3, "asked": True},
    "discretion": {"who": "the team's discretion", "strength": 3, "asked": True},
}

#: What can be wrong. *severity* is the one the documents give it, the worse where they differ; *group* names the rows
#: that hold where the issue has none of its own.
ISSUES: dict[str, dict[str, str]] = {
    "data_loss": {"group": "data", "severity": "critical", "meaning": "data is lost (004)"},
    "data_corruption": {"group": "data", "severity": "critical", "meaning": "data is corrupt (003)"},
    "security_breach": {"group": "service", "severity": "critical", "meaning": "security breach (004)"},
    "service_outage": {"group": "service", "severity": "critical", "meaning": "complete service outage (004)"},
    "service_crash": {"group": "service", "severity": "critical", "meaning": "a service crashes (003)"},
    "health_check_failure": {
        "group": "service",
        "severity": "high",
        "meaning": "health check fails three times in a row or more (003)",
    },
    "feature_broken": {"group": "service", "severity": "high", "meaning": "a major feature is broken (004)"},
    "high_error_rate": {"group": "service", "severity": "high", "meaning": "more than 10 % errors (004)"},
    "performance_severe": {"group": "service", "severity": "medium", "meaning": "over 50 % slower (003)"},
    "performance_degraded": {"group": "service", "severity": "medium", "meaning": "20 to 50 % slower (001)"},
    "performance_minor": {"group": "service", "severity": "medium", "meaning": "less than 20 % slower (004)"},
    "minor_bug": {"group": "service", "severity": "medium", "meaning": "minor bug (004)"},
    "ui_issue": {"group": "service", "severity": "medium", "meaning": "issue of the user interface (004)"},
    "feature_issue": {
        "group": "service",
        "severity": "low",
        "meaning": "issue of a feature that is not critical (003)",
    },
    "other": {"group": "service", "severity": "high", "meaning": "anything else that is wrong with a service"},
    "ci_broken": {"group": "ci", "severity": "critical", "meaning": "CI is broken and blocks every deployment (001)"},
    "ci_security": {"group": "ci", "severity": "critical", "meaning": "vulnerability in how CI uses Docker (001)"},
    "ci_slow": {"group": "ci", "severity": "high", "meaning": "CI is too slow (000, 001)"},
    "ci_failing": {"group": "ci", "severity": "high", "meaning": "too many tests or runs fail (000, 001)"},
    "ci_build_failing": {"group": "ci", "severity": "high", "meaning": "the image does not build (000)"},
    "ci_coverage": {"group": "ci", "severity": "high", "meaning": "coverage is low or its reports are missing (000)"},
    "ci_infrastructure": {"group": "ci", "severity": "high", "meaning": "runners, network or Docker of CI (000, 001)"},
    "ci_artifacts": {"group": "ci", "severity": "medium", "meaning": "artifacts cannot be had (000)"},
    "ci_cosmetic": {"group": "ci", "severity": "low", "meaning": "cosmetic problem of CI (001)"},
    "ci_other": {"group": "ci", "severity": "high", "meaning": "anything else that is wrong with CI"},
}

#: Issue that is meant where only a severity is given, for a service and for CI.
UNNAMED = {"service": "other", "ci": "ci_other"}

_STABLE = "the previous stable version"
_WORKFLOWS = "the last workflows that worked"
_CRITICAL_DATA = (
    "Document 004 names Tier 1 for lost data; Tier 1 ends the damage in minutes and leaves data alone, and Tier 2 "
    "brings back what was lost. Both are allowed."
)
_P2_IS_MEDIUM = "Document 004 calls this P2, documents 001 and 003 call it low: the more severe one holds."

#: A row is for an issue, or for the group of those without a row of their own. The first of *tiers* is advised, the
#: others are allowed as well; *within* is None where there is no hurry.
MATRIX: list[dict[str, Any]] = [
    {
        "severity": "critical",
        "issue": "data",
        "decision": "roll back",
        "action": "roll back at once",
        "tiers": [1, 2],
        "within": 300,
        "target": _STABLE,
        "approval": "none",
        "sources": ["003", "004"],
        "note": _CRITICAL_DATA,
    },
    {
        "severity": "critical",
        "issue": "service",
        "decision": "roll back",
        "action": "roll back at once",
        "tiers": [1, 2],
        "within": 300,
        "target": _STABLE,
        "approval": "none",
        "sources": ["003", "004"],
        "note": "Tier 2 is allowed as well: where a schema migration lies between, images alone cannot go back.",
    },
    {
        "severity": "critical",
        "issue": "ci",
        "decision": "roll back",
        "action": "roll back at once",
        "tiers": ["ci"],
        "within": 3600,
        "target": _WORKFLOWS,
        "approval": "single_maintainer",
        "sources": ["001"],
        "note": "Documents 003 and 004 ask nobody in an emergency: the maintainer is the one who runs the playbook.",
    },
    {
        "severity": "high",
        "issue": "health_check_failure",
        "decision": "roll back",
        "action": "roll back after a retry",
        "tiers": [1, 2],
        "within": 1800,
        "target": _STABLE,
        "approval": "none",
        "sources": ["003", "004"],
        "note": "Document 003 rolls images back by itself and asks nobody; the deadline is document 004's for P1.",
    },
    {
        "severity": "high",
        "issue": "data",
        "decision": "roll back",
        "action": "roll back, data included",
        "tiers": [2],
        "within": 1800,
        "target": _STABLE,
        "approval": "team_lead",
        "sources": ["001", "003", "004"],
        "note": "Documents 003 and 004 call data that is lost or corrupt critical; only Tier 2 brings data back.",
    },
    {
        "severity": "high",
        "issue": "service",
        "decision": "roll back",
        "action": "roll back",
        "tiers": [2],
        "within": 1800,
        "target": _STABLE,
        "approval": "team_lead",
        "sources": ["001", "003", "004"],
        "note": "Document 001 allows 24 hours, document 004 allows 30 minutes: the shorter holds. Document 004 names "
        "nobody who approves; documents 001 and 003 name the lead.",
    },
    {
        "severity": "high",
        "issue": "ci",
        "decision": "roll back",
        "action": "roll back",
        "tiers": ["ci"],
        "within": 24 * 3600,
        "target": _WORKFLOWS,
        "approval": "team_lead",
        "sources": ["000", "001"],
        "note": "",
    },
    {
        "severity": "medium",
        "issue": "data",
        "decision": "roll back",
        "action": "roll back, data included",
        "tiers": [2],
        "within": 7 * 24 * 3600,
        "target": _STABLE,
        "approval": "team_consensus",
        "sources": ["001"],
        "note": "Documents 003 and 004 call data that is lost or corrupt critical; only Tier 2 brings data back.",
    },
    {
        "severity": "medium",
        "issue": "performance_severe",
        "decision": "roll back",
        "action": "decide, then roll back",
        "tiers": [2, 3],
        "within": 7 * 24 * 3600,
        "target": _STABLE,
        "approval": "team_consensus",
        "sources": ["001", "003"],
        "note": "Document 001 calls the same of CI high; for a service document 003 leaves it to people. The deadline "
        "is document 001's for medium.",
    },
    {
        "severity": "medium",
        "issue": "performance_degraded",
        "decision": "roll back",
        "action": "roll back the part that is slow",
        "tiers": [3],
        "within": 7 * 24 * 3600,
        "target": _STABLE,
        "approval": "team_consensus",
        "sources": ["001"],
        "note": "Documents 003 and 004 leave 20 to 50 % out: document 001's row for CI holds for services too.",
    },
    {
        "severity": "medium",
        "issue": "performance_minor",
        "decision": "monitor",
        "action": "monitor, and fix in the next release",
        "tiers": [],
        "within": None,
        "target": "none",
        "approval": "discretion",
        "sources": ["004"],
        "note": _P2_IS_MEDIUM,
    },
    {
        "severity": "medium",
        "issue": "service",
        "decision": "fix forward",
        "action": "fix forward, or roll the part back",
        "tiers": [3],
        "within": 7 * 24 * 3600,
        "target": _STABLE,
        "approval": "team_consensus",
        "sources": ["001", "004"],
        "note": f"{_P2_IS_MEDIUM} Approval and deadline are document 001's for medium; document 004 states none.",
    },
    {
        "severity": "medium",
        "issue": "ci",
        "decision": "roll back",
        "action": "roll back",
        "tiers": ["ci"],
        "within": 7 * 24 * 3600,
        "target": _WORKFLOWS,
        "approval": "team_consensus",
        "sources": ["001"],
        "note": "",
    },
    {
        "severity": "low",
        "issue": "data",
        "decision": "roll back",
        "action": "roll back in a window that is agreed on, data included",
        "tiers": [2],
        "within": None,
        "target": _STABLE,
        "approval": "discretion",
        "sources": ["001", "003"],
        "note": "Documents 003 and 004 call data that is lost or corrupt critical: look again before calling it low.",
    },
    {
        "severity": "low",
        "issue": "performance_minor",
        "decision": "monitor",
        "action": "monitor, and fix in the next release",
        "tiers": [],
        "within": None,
        "target": "none",
        "approval": "discretion",
        "sources": ["001", "004"],
        "note": "Document 001 would allow a rollback in the next sprint, document 004 none: nothing is touched.",
    },
    {
        "severity": "low",
        "issue": "service",
        "decision": "fix forward",
        "action": "fix forward, or roll the part back in a window that is agreed on",
        "tiers": [3],
        "within": None,
        "target": _STABLE,
        "approval": "discretion",
        "sources": ["001", "003"],
        "note": "Document 003 schedules a rollback; document 001 prefers to fix forward, which touches less.",
    },
    {
        "severity": "low",
        "issue": "ci",
        "decision": "fix forward",
        "action": "fix forward, or roll back in the next sprint",
        "tiers": ["ci"],
        "within": None,
        "target": _WORKFLOWS,
        "approval": "discretion",
        "sources": ["001"],
        "note": "",
    },
    *(
        {
            "severity": "none",
            "issue": group,
            "decision": "no rollback",
            "action": "nothing",
            "tiers": [],
            "within": None,
            "target": "none",
            "approval": "none",
            "sources": ["000"],
            "note": "",
        }
        for group in ("data", "service", "ci")
    ),
]

#: Whom to call, in order. *severities* are those that a role is called for.
ESCALATION: list[dict[str, Any]] = [
    {
        "role": "On-call engineer",
        "contact": "PagerDuty",
        "response": 0,
        "authority": "execute a rollback",
        "about": ["service", "data"],
        "severities": ["critical", "high", "medium", "low"],
        "note": "Document 003 allows 15 minutes, document 004 none: the shorter holds.",
    },
    {
        "role": "Tech or platform lead",
        "contact": "",
        "response": 15 * 60,
        "authority": "approve a major rollback",
        "about": ["service", "data"],
        "severities": ["critical", "high", "medium"],
        "note": "Document 003 allows 30 minutes, document 004 allows 15: the shorter holds.",
    },
    {
        "role": "VP engineering",
        "contact": "",
        "response": 30 * 60,
        "authority": "",
        "about": ["service", "data"],
        "severities": ["critical", "high"],
        "note": "",
    },
    {
        "role": "CTO",
        "contact": "",
        "response": 3600,
        "authority": "decide about data that is lost",
        "about": ["data"],
        "severities": ["critical", "high", "medium", "low"],
        "note": "",
    },
    {
        "role": "CEO",
        "contact": "",
        "response": 3600,
        "authority": "",
        "about": ["service", "data"],
        "severities": ["critical"],
        "note": "",
    },
    *(
        {
            "role": role,
            "contact": "",
            "response": None,
            "authority": "",
            "about": ["ci"],
            "severities": ["critical", "high", "medium", "low"],
            "note": "Document 000 names no time.",
        }
        for role in ("CI/CD engineer", "DevOps lead", "Platform team")
    ),
]
