"""What has been uploaded becomes a medium, by whichever process has the last of it."""

from .description import keep_description, read_description
from .intake import NO_FILM, Intake, NoFilm, was_blob
from .pieces import PieceBytes

__all__ = ["NO_FILM", "Intake", "NoFilm", "PieceBytes", "keep_description", "read_description", "was_blob"]
