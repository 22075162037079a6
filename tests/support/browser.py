# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium from Debian's packages, unpacked beside the clone's other caches and run without a screen."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

_DEBS = ROOT / ".cache/debs/chromium"
_UNPACKED = ROOT / ".cache/chromium"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_SIZE = (1000, 3000)


@dataclass(frozen=True)
class Shown:
    """What a page looks like.

    :ivar colours: pixels by colour, as ``#rrggbb``.
    :ivar console: what the browser had to say of it.
    """

    colours: Counter[str]
    console: list[str]


class Chromium:
    """A browser that opens one page at a time; whatever it writes is below *directory*."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._program = _program()

    def show(self, source: str) -> Shown:
        """Open a page from a file, and look at it."""
        page, picture, profile = (self._directory / name for name in ("page.html", "page.png", "profile"))
        page.write_text(source, encoding="utf-8")
        picture.unlink(missing_ok=True)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
        # A container's /dev/shm is often too small for it.
        options += ["--disable-dev-shm-usage"]
        # Half as large is large enough, and a quarter of the pixels to look at.
        options += ["--force-device-scale-factor=0.5", f"--window-size={_SIZE[0]},{_SIZE[1]}"]
        options += [f"--user-data-dir={profile}", f"--screenshot={picture}", "--enable-logging=stderr"]
        libraries = [str(_UNPACKED / _LIBRARIES), str(_UNPACKED / _LIBRARIES / "pulseaudio")]
        done = subprocess.run(
            [self._program, *options, page.as_uri()],
            env={**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries), "HOME": str(self._directory)},
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        shutil.rmtree(profile, ignore_errors=True)
        assert picture.exists(), done.stderr
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return Shown(colours(picture.read_bytes()), said)


def _program() -> str:
    """Return the browser's program: the machine's own, else the one that is unpacked here."""
    if own := shutil.which("chromium"):
        return own
    if not _UNPACKED.exists():
        (_DEBS / "partial").mkdir(parents=True, exist_ok=True)
        apart = ["-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={_DEBS}"]
        command = ["apt-get", "-qq", "-y", "--no-install-recommends", *apart, "--download-only", "install", "chromium"]
        subprocess.run(command, check=True, capture_output=True)
        beside = _UNPACKED.with_name("chromium-unfinished")
        for package in sorted(_DEBS.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(beside)], check=True)
        beside.rename(_UNPACKED)
    return str(_UNPACKED / "usr/lib/chromium/chromium")


def colours(png: bytes) -> Counter[str]:
    """Count the pixels of a PNG of eight bits a channel by colour."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    channels = {2: 3, 6: 4}[kind]
    assert depth == 8
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, row = zlib.decompress(data), bytes(width * channels)
    found: Counter[bytes] = Counter()
    for number in range(height):
        begin = number * (width * channels + 1)
        row = _unfiltered(raw[begin], raw[begin + 1 : begin + 1 + width * channels], row, channels)
        found.update(row[place : place + 3] for place in range(0, len(row), channels))
    return Counter({f"#{colour.hex()}": count for colour, count in found.items()})


def _unfiltered(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    """Take a row's filter back (PNG specification, 9.2)."""
    row = bytearray(line)
    for place, value in enumerate(line):
        left = row[place - step] if place >= step else 0
        corner = above[place - step] if place >= step else 0
        up = above[place]
        guess = (0, left, up, (left + up) // 2)[kind] if kind < 4 else _paeth(left, up, corner)
        row[place] = (value + guess) & 0xFF
    return bytes(row)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))
