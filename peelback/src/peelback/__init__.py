"""Snapshots of a data directory, and the way back to one of them, behind a small HTTP API."""

from __future__ import annotations

__version__ = "0.1.0"
