# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How refusals are answered."""

from __future__ import annotations

from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from peelback import models
from peelback.errors import PeelbackError


def install(app: FastAPI) -> None:
    """Makes all refusals of an application look like `models.Problem`, but for 422."""
    app.add_exception_handler(PeelbackError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _problem(_request: Request, error: Exception) -> Response:
    refused = cast(PeelbackError, error)
    files = [models.printable(path) for path in refused.files]
    body = {"detail": models.printable(refused.message), "code": refused.code, "files": files}
    headers = {"Retry-After": "1"} if refused.code == "busy" else None
    return JSONResponse(body, status_code=refused.status, headers=headers)


async def _http_problem(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    if refused.status_code == 400:
        # FastAPI's answer to a body that is no UTF-8 or nested too deeply; broken JSON has 422 already.
        return JSONResponse({"detail": [{"loc": ["body"], "msg": "not JSON", "type": "json_invalid"}]}, status_code=422)
    headers = dict(refused.headers or {})
    if refused.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    words = {404: "not_found", 405: "method_not_allowed"}
    body = {"detail": str(refused.detail), "code": words.get(refused.status_code, "refused"), "files": []}
    return JSONResponse(body, status_code=refused.status_code, headers=headers)


def _methods(request: Request) -> set[str]:
    """All methods of a path: routes with the same path each know only their own."""
    found: set[str] = set()
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found.add(method)
    return found


async def _invalid(_request: Request, error: Exception) -> Response:
    problems = cast(RequestValidationError, error).errors()
    # Without the input: it may be what no JSON answer can carry, or what nobody should see.
    detail = [{key: problem[key] for key in ("loc", "msg", "type")} for problem in problems]
    return JSONResponse({"detail": detail}, status_code=422)
