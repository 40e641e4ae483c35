"""Folders of a local store: made when something is put into them, removed by anybody when they are empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRIES = 50


def in_folder(root: Path, folder: Path, act: Callable[[], T]) -> T:
    """Do something in a folder below a root, made if it is not there; again, if somebody removed it in between.

    Raises:
        OSError: as ``act`` does.
    """
    with suppress(FileNotFoundError):  # mostly it is there
        return act()
    for _ in range(_TRIES - 1):
        try:
            return _made(root, folder, act)
        except FileNotFoundError:
            if folder.is_dir():
                raise
    return _made(root, folder, act)


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


def sync_all(folders: Sequence[Path]) -> list[OSError | None]:
    """Make durable what was put into folders, each of them once; return for each what went wrong, None: nothing."""
    told: dict[Path, OSError | None] = dict.fromkeys(folders)
    for folder in told:
        try:
            sync(folder)
        except OSError as error:
            told[folder] = error
    return [told[folder] for folder in folders]


def _made(root: Path, folder: Path, act: Callable[[], T]) -> T:
    """Make what is missing of a folder, do something in it, and only then wait until the folders are durable.

    A folder that holds something is not removed as empty. While one waits for a slow disk with the folder still empty,
    whoever deletes beside it takes it away again each time.
    """
    missing = [each for each in (folder, *folder.parents) if each.is_relative_to(root) and not each.is_dir()]
    for each in reversed(missing):
        each.mkdir(parents=each == root, exist_ok=True)
    done = act()
    for each in reversed(missing):
        sync(each.parent)
    return done
