"""The picture that stands for a film, and the sheet of pictures to look through it."""

from __future__ import annotations

from dataclasses import asdict

from gatehouse_common.media.stills import parse_sheet

from .children import run
from .looking import PYTHON, film_of, source_of
from .work import Work


def picture(work: Work) -> None:
    """Make both pictures; of sound alone there are none.

    Raises:
        DataLoss: not one picture can be decoded.
    """
    if not work.media.video_codec or (work.file("thumbnail") and work.file("sprite")):
        return
    file = source_of(work)
    film = film_of(work, file)
    thumbnail, sheet = work.folder / "thumbnail.jpg", work.folder / "sprite.jpg"
    arguments = [str(work.path(file)), str(film.seconds or 1.0), str(thumbnail), str(sheet)]
    command = [*PYTHON, "gatehouse_common.media.stills", *arguments]
    made = parse_sheet(run(command, work.tools.limits, work.core.clock, work.ending, folder=work.folder))
    width, height = made.thumbnail
    if work.file("thumbnail") is None:
        work.keep(thumbnail, "thumbnail", "", "image/jpeg", of_file={"width": width, "height": height})
    facts = asdict(made)
    del facts["thumbnail"]
    work.keep(sheet, "sprite", "", "image/jpeg", of_file=facts)
