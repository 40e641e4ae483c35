"""Looking at a file, in a child process: what it is, and whether it can be worked with."""

from __future__ import annotations

import sys

from gatehouse_common.clock import SECOND
from gatehouse_common.db import MediaFile
from gatehouse_common.media.inspection import Film, parse_film

from .children import run
from .work import Work

# -P: no module of the directory that the server was started in.
PYTHON = (sys.executable, "-P", "-m")


def film_of(work: Work, file: MediaFile) -> Film:
    """Return what a file of the medium is; looked at once.

    Raises:
        DataLoss: it is nothing that can be worked with; the sentence says why.
    """
    known = work.films.get(file.key)
    if known is None:
        path = str(work.path(file))
        command = [*PYTHON, "gatehouse_common.media.inspection", path]
        known = parse_film(run(command, work.tools.looks, work.core.clock, work.ending, folder=work.folder))
        work.films[file.key] = known
    return known


def probe(work: Work) -> None:
    """Find out what the original is.

    Raises:
        DataLoss: it is nothing that can be worked with; the sentence says why.
    """
    film = film_of(work, work.original())
    work.learn(
        width=film.width,
        height=film.height,
        fps=film.fps,
        video_codec=film.video,
        audio_codec=film.audio,
        lasted_us=round(film.seconds * SECOND) or None,
    )


def source_of(work: Work) -> MediaFile:
    """Return the file that all else is made of: the one that says how long it is, if the original does not."""
    return work.file("playable") or work.original()
