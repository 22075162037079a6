"""The HTTP API."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.routing import Match

from peelback import __version__, models, retention
from peelback.background import Schedule, Watch
from peelback.errors import PeelbackError
from peelback.guard import Guard
from peelback.manifest import ID_PATTERN, Summary
from peelback.metrics import Metrics
from peelback.service import Service
from peelback.settings import Settings

SnapshotId = Annotated[str, Path(pattern=ID_PATTERN)]


class Parts:
    """Everything that runs, put together once per process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.service = Service(settings, self.metrics)
        self.started = time.time()
        rules = settings.recovery
        seconds = rules.peelback.snapshots.interval / 1000
        self.schedule = Schedule(self.service, seconds) if rules.by_interval else None
        self.watch = None
        self.metrics.healthy.set(-1)
        if settings.watch:
            self.watch = Watch(self.service, settings.watch, rules, settings.storage, self.metrics)
            self.service.health = self.watch.known

    def begin(self) -> None:
        for loop in (self.schedule, self.watch):
            if loop:
                loop.start()

    def end(self) -> None:
        for loop in (self.schedule, self.watch):
            if loop:
                loop.stop()
        self.service.close()

    def levels(self) -> dict[str, int]:
        """Level of each snapshot that has one."""
        return {known.id: level for level, known in enumerate(retention.levels(self.service.catalogue.summaries()), 1)}

    def shown(self, summary: Summary) -> models.Snapshot:
        return models.snapshot_of(summary, self.levels().get(summary.id))


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        401: "The token is missing or wrong.",
        404: "There is no such snapshot.",
        409: "Refused, and nothing was touched: `busy`, `snapshot_damaged` or `levels_beyond`.",
        503: "It failed: `unreadable`, `no_space` or `restore_unfinished`.",
    }
    return {status: {"model": models.Problem, "description": texts[status]} for status in statuses}


def create_app(settings: Settings) -> FastAPI:
    """The application; a restore that was cut off is completed before this returns."""
    parts = Parts(settings)
    app = FastAPI(
        title="peelback",
        version=__version__,
        description="Snapshots of a data directory, and the way back to one of them.",
        lifespan=_lifespan(parts),
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(_admin(parts))
    app.include_router(_peelback(parts))
    app.include_router(_open(parts))
    app.add_middleware(Guard, token=settings.token, refused=parts.metrics.refused)
    app.add_exception_handler(PeelbackError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


def _lifespan(parts: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.begin()
        yield
        parts.end()

    return lifespan


def _router(*statuses: int) -> APIRouter:
    # The guard has checked the token already; this tells OpenAPI that one is needed.
    bearer = Security(HTTPBearer(auto_error=False, description="The token of PEELBACK_TOKEN_FILE."))
    return APIRouter(prefix="/admin", dependencies=[bearer], responses=_problems(401, *statuses))


def _admin(parts: Parts) -> APIRouter:
    router, service = _router(), parts.service

    @router.post("/snapshot", status_code=201, responses=_problems(409, 503))
    def create_snapshot(request: models.SnapshotRequest) -> models.Snapshot:
        """Takes a snapshot of the present state."""
        return parts.shown(service.snapshot(request.description))

    @router.get("/snapshots")
    def list_snapshots() -> list[models.Snapshot]:
        """All snapshots, the newest first."""
        levels = parts.levels()
        return [models.snapshot_of(known, levels.get(known.id)) for known in service.catalogue.summaries()]

    @router.get("/snapshots/{snapshot_id}", responses=_problems(404, 409))
    def show_snapshot(snapshot_id: SnapshotId) -> models.SnapshotDetails:
        """One snapshot, with each file's size and SHA-256."""
        made = service.catalogue.load(snapshot_id)
        return models.details_of(made.summary, parts.levels().get(snapshot_id), made.entries)

    @router.delete("/snapshots/{snapshot_id}", status_code=204, responses=_problems(404, 409, 503))
    def delete_snapshot(snapshot_id: SnapshotId) -> Response:
        """Deletes a snapshot, and what only it needs."""
        service.delete(snapshot_id)
        return Response(status_code=204)

    @router.post("/restore", responses=_problems(404, 409, 503))
    def restore(request: models.RestoreRequest) -> models.Restoration:
        """Makes the data directory equal to a snapshot, wholly or not at all."""
        done = service.restore(request.snapshot_id)
        if parts.watch:
            parts.watch.forget()
        return models.restoration_of(done, parts.levels())

    @router.get("/status")
    def status() -> models.Status:
        """The service itself: version, place and space."""
        return _status(parts)

    return router


def _peelback(parts: Parts) -> APIRouter:
    router = _router()

    @router.get("/peelback/status")
    def peelback_status() -> models.PeelbackStatus:
        """Levels at hand, the schedule, and the automatic rollback."""
        return _peelback_status(parts)

    @router.post("/peelback/revert", responses=_problems(404, 409, 503))
    def revert(request: models.RevertRequest) -> models.Restoration:
        """Goes back to the snapshot of this level; asking again goes back to the same one."""
        done = parts.service.revert(request.levels)
        if parts.watch:
            parts.watch.forget()
        return models.restoration_of(done, parts.levels())

    return router


def _open(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/health", responses={503: {"model": models.Health, "description": "A restore could not be completed."}}
    )
    def health(response: Response) -> models.Health:
        """Whether the service is well; not the application beside it."""
        failing = parts.service.unfinished()
        response.status_code = 503 if failing else 200
        return models.Health(status="failing" if failing else "ok")

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _status(parts: Parts) -> models.Status:
    service = parts.service
    space = os.statvfs(parts.settings.storage)
    stored = service.catalogue.stored_bytes()
    parts.metrics.stored.set(stored)
    return models.Status(
        version=__version__,
        status="failing" if service.unfinished() else "ok",
        started=_iso(parts.started),
        uptime_seconds=round(time.time() - parts.started, 3),
        data=str(parts.settings.data),
        snapshots=len(service.catalogue.summaries()),
        stored_bytes=stored,
        free_bytes=space.f_bavail * space.f_frsize,
        operation=service.running,
        last_error=service.last_error,
    )


def _peelback_status(parts: Parts) -> models.PeelbackStatus:
    rules, schedule = parts.settings.recovery, parts.schedule
    snapshots = parts.service.catalogue.summaries()
    return models.PeelbackStatus(
        enabled=rules.by_interval,
        interval_seconds=rules.peelback.snapshots.interval / 1000,
        max_snapshots=parts.service.keep,
        storage=rules.peelback.snapshots.storage,
        snapshots=len(snapshots),
        levels=len(retention.levels(snapshots)),
        newest=parts.shown(snapshots[0]) if snapshots else None,
        next_snapshot=schedule.next.strftime("%Y-%m-%dT%H:%M:%SZ") if schedule and schedule.next else None,
        paused_because=schedule.paused if schedule else None,
        rollback=_rollback_status(parts),
    )


def _rollback_status(parts: Parts) -> models.RollbackStatus:
    watch, rules = parts.watch, parts.settings.recovery
    words = {True: "healthy", False: "failing", None: "unknown"}
    return models.RollbackStatus(
        automatic=rules.automatic,
        triggers=list(rules.rollback.triggers),
        health=words[watch.known()] if watch else "unwatched",
        consecutive_failures=watch.state.failures if watch else 0,
        attempts=watch.state.attempts if watch else 0,
        max_attempts=watch.rules.attempts if watch else 0,
        gave_up=watch.state.gave_up if watch else False,
        last=models.LastRollback.model_validate(watch.last) if watch and watch.last else None,
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, PeelbackError)
    files = [models.printable(path) for path in error.files]
    body = {"detail": models.printable(error.message), "code": error.code, "files": files}
    headers = {"Retry-After": "1"} if error.code == "busy" else None
    return JSONResponse(body, status_code=error.status, headers=headers)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    words = {404: "not_found", 405: "method_not_allowed"}
    body = {"detail": str(error.detail), "code": words.get(error.status_code, "refused"), "files": []}
    return JSONResponse(body, status_code=error.status_code, headers=headers)


def _methods(request: Request) -> set[str]:
    """All methods of a path: routes with the same path each know only their own."""
    found: set[str] = set()
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found.add(method)
    return found


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Without the input: it may be what no JSON answer can carry, or what nobody should see.
    detail = [{key: problem[key] for key in ("loc", "msg", "type")} for problem in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)
