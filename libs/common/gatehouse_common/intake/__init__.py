"""What has been uploaded becomes a medium, by whichever process has the last of it."""

from .intake import NO_FILM, Intake, NoFilm, was_blob
from .pieces import PieceBytes

__all__ = ["NO_FILM", "Intake", "NoFilm", "PieceBytes", "was_blob"]
