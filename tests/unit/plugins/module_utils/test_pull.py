# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _pull
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def test_what_is_not_on_the_host_is_missing(captured: Any, build: Any) -> None:
    parts = {
        "web": build.service_part(image_id=build.image_id("v0.9.0")),
        "api": build.service_part(image_id="sha256:0"),
    }
    assert _pull.missing(captured.engine, parts) == {"api": parts["api"]}


def test_an_image_that_is_gone_is_pulled_by_digest_and_checked_by_id(captured: Any, build: Any) -> None:
    wanted = build.image_id("v0.9.0")
    part = build.service_part(image_id=wanted, digests=("dead/app@sha256:0", "keep/app@sha256:1"))
    image = captured.world.images.pop(wanted)
    captured.world.registry["keep/app@sha256:1"] = image
    _pull.images(captured.engine, {"web": part})
    assert captured.engine.image(wanted) is not None
    assert [call[0] for call in captured.world.calls] == ["pull", "pull"]


def test_a_registry_that_gives_another_image_is_not_believed(captured: Any, build: Any) -> None:
    part = build.service_part(image_id=build.image_id("lost"), digests=("keep/app@sha256:1",))
    captured.world.registry["keep/app@sha256:1"] = replace(
        captured.world.images[build.image_id("v1.0.0")], id="sha256:other"
    )
    with pytest.raises(RollbackError, match=r"the image of web .* is not on this host and cannot be pulled"):
        _pull.images(captured.engine, {"web": part})


@pytest.mark.parametrize(
    ("digests", "why"), [((), "no registry is known"), (("r/app@sha256:1",), "connection refused")]
)
def test_an_image_that_cannot_be_had_is_an_error_with_the_reason(
    captured: Any, build: Any, digests: tuple[str, ...], why: str
) -> None:
    part = build.service_part(image_id=build.image_id("lost"), digests=digests)
    with pytest.raises(RollbackError, match=why) as caught:
        _pull.images(captured.engine, {"web": part})
    assert "Nothing was changed" in caught.value.hint
