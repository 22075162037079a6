# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from peelback import recovery
from peelback.errors import ConfigurationError
from peelback.recovery import Recovery

NUMBERS = {
    "PEELBACK_PORT": (8082, 0, 65535),
    "PEELBACK_HEALTH_INTERVAL": (10, 0.05, 3600),
    "PEELBACK_HEALTH_TIMEOUT": (5, 0.05, 300),
    "PEELBACK_HEALTH_FAILURES": (3, 1, 1000),
    "PEELBACK_HEALTH_GRACE": (60, 0, 86400),
    "PEELBACK_HEALTH_STABLE": (600, 0, 604800),
    "PEELBACK_MAX_ROLLBACKS": (3, 1, 100),
    "PEELBACK_DATABASE_PATIENCE": (30, 0, 3600),
}
WHOLE = ("PEELBACK_PORT", "PEELBACK_HEALTH_FAILURES", "PEELBACK_MAX_ROLLBACKS")
TEXTS = (
    "PEELBACK_HOST",
    "PEELBACK_DATA",
    "PEELBACK_CONFIG",
    "PEELBACK_HEALTH_URL",
    "PEELBACK_TOKEN",
    "PEELBACK_TOKEN_FILE",
)


@dataclass(frozen=True)
class WatchRules:
    """When an automatic rollback happens. Times in seconds.

    After a rollback nothing is counted for `grace`; after `stable` in health the attempts are forgotten.
    """

    url: str
    interval: float
    timeout: float
    failures: int
    grace: float
    stable: float
    attempts: int


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    data: Path
    recovery: Recovery
    watch: WatchRules | None
    patience: float
    # Left out of what is printed of this object.
    token: str = field(repr=False)

    @property
    def storage(self) -> Path:
        return Path(self.recovery.peelback.snapshots.storage)


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from PEELBACK_* variables and from the files that they name.

    Raises:
        ConfigurationError: a variable is unknown, missing or wrong, or so is the configuration file.
    """
    given = {name: value for name, value in environ.items() if name.startswith("PEELBACK_")}
    unknown = sorted(set(given) - set(NUMBERS) - set(TEXTS))
    if unknown:
        raise ConfigurationError(f"unknown settings: {', '.join(unknown)}")
    numbers = {name: _number(name, given) for name in NUMBERS}
    rules = recovery.load(Path(given.get("PEELBACK_CONFIG", "/etc/peelback/mcp-config.yml")))
    data = Path(given.get("PEELBACK_DATA", "/app/data"))
    _check_places(data, Path(rules.peelback.snapshots.storage))
    return Settings(
        host=given.get("PEELBACK_HOST", "0.0.0.0"),  # nosec B104  # who runs the container says what is published
        port=int(numbers["PEELBACK_PORT"]),
        data=data,
        recovery=rules,
        watch=_watch(given.get("PEELBACK_HEALTH_URL", ""), numbers, rules),
        patience=numbers["PEELBACK_DATABASE_PATIENCE"],
        token=_token(given),
    )


def _number(name: str, given: Mapping[str, str]) -> float:
    default, least, most = NUMBERS[name]
    try:
        value = float(given.get(name, default))
    except ValueError:
        value = float("nan")
    if not least <= value <= most or (name in WHOLE and value != int(value)):
        kind = "a whole number" if name in WHOLE else "a number"
        raise ConfigurationError(f"{name} must be {kind} from {least} to {most}")
    return value


def _check_places(data: Path, storage: Path) -> None:
    if not data.is_absolute() or not data.is_dir():
        raise ConfigurationError(f"PEELBACK_DATA must be the absolute path of a directory: {data}")
    if data.resolve() == storage.resolve() or data.resolve().is_relative_to(storage.resolve()):
        raise ConfigurationError(f"the data directory {data} must not lie in the storage {storage}")


def _watch(url: str, numbers: Mapping[str, float], rules: Recovery) -> WatchRules | None:
    if not url:
        if rules.automatic:
            raise ConfigurationError(
                "recovery.rollback is automatic, and PEELBACK_HEALTH_URL does not say whose health counts; "
                "set it, or recovery.rollback.strategy: manual"
            )
        return None
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigurationError("PEELBACK_HEALTH_URL must be an http or https URL")
    return WatchRules(
        url=url,
        interval=numbers["PEELBACK_HEALTH_INTERVAL"],
        timeout=numbers["PEELBACK_HEALTH_TIMEOUT"],
        failures=int(numbers["PEELBACK_HEALTH_FAILURES"]),
        grace=numbers["PEELBACK_HEALTH_GRACE"],
        stable=numbers["PEELBACK_HEALTH_STABLE"],
        attempts=int(numbers["PEELBACK_MAX_ROLLBACKS"]),
    )


def _token(given: Mapping[str, str]) -> str:
    if ("PEELBACK_TOKEN" in given) == ("PEELBACK_TOKEN_FILE" in given):
        raise ConfigurationError("set one of PEELBACK_TOKEN_FILE and PEELBACK_TOKEN")
    if "PEELBACK_TOKEN" in given:
        token = given["PEELBACK_TOKEN"]
    else:
        try:
            token = Path(given["PEELBACK_TOKEN_FILE"]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the token file cannot be read: {type(error).__name__}") from None
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise ConfigurationError("the token must be of visible ASCII characters, without spaces")
    return token
