# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore point says of itself: every part with size and SHA-256 (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names, _shape
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

FORMAT = 1
#: Kind of the point that a deployment goes to.
RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class ServicePart:
    """One service as it ran.

    :param image: the name that the Compose file gives the image.
    :param image_id: the image's content address; what is compared and restored.
    :param digests: repository digests by which a registry knows the image.
    :param config_hash: Compose's hash of the container that ran.
    :param rendered_hash: Compose's hash of the service as the captured files render it.
    :param size: bytes of the image.
    """

    image: str
    image_id: str
    digests: tuple[str, ...] = ()
    config_hash: str = ""
    rendered_hash: str = ""
    replicas: int = 1
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class FilePart:
    """One file; ``sha256`` is None where the file was listed but did not exist."""

    sha256: str | None
    size: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file of a database's copy, by path relative to the copy's directory."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class DatabasePart:
    """The copy of one database.

    :param kind: ``postgres`` or ``sqlite``.
    :param schema: version or hash of the schema when it was captured.
    :param tables: rows by table, from the same snapshot as the copy.
    :param properties: what else must be as it was (owner, encoding, settings), as JSON types; each kind has its own.
    """

    kind: str
    files: Mapping[str, DataFile]
    schema: str
    tables: Mapping[str, int]
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the copy."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True, kw_only=True)
class GitPart:
    """The checkout the stack was deployed from; *clean* means the captured files equal the commit's."""

    commit: str
    tag: str | None
    clean: bool


@dataclass(frozen=True, kw_only=True)
class RestorePoint:
    """Everything needed to return a stack to one version. Immutable once written.

    :param kind: ``deploy``: captured on request; ``before``: captured by a run, as what ``undo.yml`` returns to;
        ``partial``: what a run went to that took only a part of the stack back; ``release``: what a deployment goes to.
    :param created: UTC, ISO 8601.
    :param files: configuration by path relative to the project's directory.
    :param definition: SHA-256 of ``compose.json``, the rendered project.
    :param variables: environment variables that image names are made of, with their values.
    :param databases: copies by the name that the stack's description gives each; a tier 1 run captures none.
    :param rebuilt_from: id of the point that was captured, where this one is that with its images built again.
    :param flags: feature flags that the application keeps itself, where the run was about them.
    :param mcp: id of the snapshot of the MCP container's data, which its service keeps.
    :param baseline: how fast it answered when it was captured: percentiles in milliseconds by HTTP check.
    :param engine: what ran it: ``compose`` or ``swarm``. Of a swarm, the definition holds the services' specifications,
        and an image's id is its digest.
    """

    id: str
    stack: str
    project: str
    version: str
    kind: str
    created: str
    reason: str
    healthy: bool
    services: Mapping[str, ServicePart]
    files: Mapping[str, FilePart]
    definition: str
    variables: Mapping[str, str] = field(default_factory=dict)
    git: GitPart | None = None
    databases: Mapping[str, DatabasePart] = field(default_factory=dict)
    rebuilt_from: str | None = None
    flags: Mapping[str, bool | int | str] = field(default_factory=dict)
    mcp: str | None = None
    baseline: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    engine: str = "compose"

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON types."""
        return {"format": FORMAT, **asdict(self)}

    @property
    def size(self) -> int:
        """Bytes of the files, databases and images named (images are shared between points)."""
        images = {part.image_id: part.size for part in self.services.values()}
        parts: list[FilePart | DatabasePart] = [*self.files.values(), *self.databases.values()]
        return sum(part.size for part in parts) + sum(images.values())


def from_dict(raw: Any) -> RestorePoint:
    """Read a manifest, refusing what this code does not understand.

    :raises RollbackError: for another format, a missing or unknown key, or a path that leaves its directory.
    """
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise RollbackError(
            f"a manifest is of an unknown format: {raw.get('format') if isinstance(raw, dict) else type(raw).__name__}",
            f"This release of tiered.rollback reads format {FORMAT}.",
        )
    values = {key: value for key, value in raw.items() if key != "format"}
    try:
        point = _shape.read(RestorePoint, values, "manifest")
        # Retention and every listing go by it.
        datetime.fromisoformat(point.created)
    except ValueError as error:
        raise RollbackError(
            f"a manifest is malformed: {error}", "Capture a new restore point; remove the damaged one."
        ) from error
    _names.version(point.id)
    if point.git:
        # Git takes what begins with '-' for an option.
        _names.branch(point.git.commit, "a manifest's commit")
    for path in point.files:
        _names.relative_path(path, "a manifest's file")
    for part in point.databases.values():
        _check_paths(part)
    return point


def database_part(raw: Any) -> DatabasePart:
    """Read what a manifest says of a database; ValueError where it is malformed."""
    return _check_paths(_shape.read(DatabasePart, raw, "database"))


def _check_paths(part: DatabasePart) -> DatabasePart:
    for path in part.files:
        _names.relative_path(path, "a manifest's database")
    return part
