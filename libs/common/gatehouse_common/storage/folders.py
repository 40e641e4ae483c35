"""Folders of a local store: made when something is put into them, removed by anybody when they are empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRIES = 50


def in_folder(root: Path, folder: Path, act: Callable[[], T]) -> T:
    """Make a folder below a root and do something in it; again, if somebody removed it in between, empty as it was.

    Raises:
        OSError: as ``act`` does.
    """
    for _ in range(_TRIES - 1):
        try:
            _make(root, folder)
            return act()
        except FileNotFoundError:
            if folder.is_dir():
                raise
    _make(root, folder)
    return act()


def remove_empty(root: Path, folders: Collection[Path]) -> None:
    """Remove folders below a root that are empty, and those above them that are then."""
    for deepest in folders:
        for folder in (deepest, *deepest.parents):
            if root in (folder, folder.parent):
                break
            try:
                folder.rmdir()
            except OSError:  # not empty, or already gone
                break


def sync(path: Path) -> None:
    """Make a file's bytes durable, or what was put into a folder and taken out of it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make(root: Path, folder: Path) -> None:
    """Make a folder and those above it, each durable in the one that holds it."""
    if folder.is_dir():
        return
    if folder != root:
        _make(root, folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)
    else:
        folder.mkdir(parents=True, exist_ok=True)
