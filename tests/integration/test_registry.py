# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are pushed to a registry at capture come back from it by digest; a real one: Debian's package."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.registry import install
from ansible_collections.tiered.rollback.tests.support.stack import Stack, free_port

_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


class Registry:
    """A registry on a free port that can be stopped and started."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._config = directory / "registry.yml"
        self._config.write_text(_CONFIG.format(root=directory / "registry", port=self.port))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["docker-registry", "serve", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _unused in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the registry does not answer")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    if not install():
        pytest.skip("docker-registry is not installed, and only root on Debian can change that")
    made = Registry(tmp_path_factory.mktemp("registry"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stack(make_stack: Any, registry: Registry) -> Iterator[Stack]:
    """v0.9.0 captured with its image pushed, v1.0.0 running, and nothing of v0.9.0's image left on the host."""
    made: Stack = make_stack()
    prefix = f"127.0.0.1:{registry.port}/{made.name}"
    made.description["registry"] = prefix
    made.compose({"api": made.published()})
    made.tag("api:production", "v0.9.0", unique=made.name)
    made.up()
    made.capture("v0.9.0")
    made.deploy("v1.0.0")
    yield made
    made.down()
    engine.untag([*engine.tags(prefix), *engine.digests(prefix)])
    assert not [*engine.tags(prefix), *engine.digests(prefix)]


def digest(stack: Stack, tag: str) -> str:
    """Ask the registry which image a tag is."""
    headers = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    url = f"http://{stack.description['registry'].replace('/', '/v2/', 1)}/api/manifests/{tag}"
    request = urllib.request.Request(url, headers=headers, method="HEAD")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def pushed(stack: Stack, version: str) -> str:
    """Return the digest by which a version's restore point knows the image."""
    found: str = stack.manifest(stack.points(version)[-1])["services"]["api"]["digests"][0]
    return found.rpartition("@")[2]


def test_a_version_is_in_the_registry_by_its_names_too(stack: Stack) -> None:
    (point,) = stack.points("v0.9.0")
    assert {digest(stack, tag) for tag in (point, "v0.9.0", "v0.9")} == {pushed(stack, "v0.9.0")}
    assert list(engine.tags(stack.description["registry"])) == [f"{stack.description['registry']}/api:{point}"]


def lose_image(stack: Stack, image: str) -> None:
    """Take every name off an image, so that it is gone from this host."""
    stack.images.forget("v0.9.0", unique=stack.name)
    names = engine.inspect("image", image)[0]
    engine.untag([*names["RepoTags"], *names["RepoDigests"]])
    assert engine.image_id(image) is None


def test_an_image_that_is_gone_is_pulled_by_digest_and_a_dead_registry_is_a_clear_error(
    stack: Stack, registry: Registry
) -> None:
    part = stack.manifest(stack.points("v0.9.0")[0])["services"]["api"]
    assert part["digests"][0].startswith(f"127.0.0.1:{registry.port}/{stack.name}/api@sha256:")
    lose_image(stack, part["image_id"])

    registry.stop()
    before = stack.snapshot()
    outcome = stack.rollback("v0.9.0")
    assert outcome.rc != 0
    assert "cannot be pulled" in outcome.said
    assert "Start the registry" in outcome.said
    assert stack.snapshot() == before

    registry.start()
    checked = stack.rollback("v0.9.0", "--check").ok()
    assert checked.recap["changed"] > 0
    assert engine.image_id(part["image_id"]) is None, "check mode has pulled the image"

    stack.rollback("v0.9.0").ok()
    assert stack.image_ids() == {"api": part["image_id"]}
    assert stack.ask("/api/status").version == "v0.9.0"


def test_the_next_version_moves_the_registrys_previous(stack: Stack) -> None:
    stack.deploy("v1.0.0")
    stack.capture("v1.0.0")
    assert digest(stack, "previous") == digest(stack, "v0.9.0") == pushed(stack, "v0.9.0")
    assert digest(stack, "v1.0") == pushed(stack, "v1.0.0") != digest(stack, "previous")
