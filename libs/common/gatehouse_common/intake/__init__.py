"""What has been uploaded becomes a medium, by whichever process has the last of it; and media are described."""

from .describing import describe_quietly, is_described, keep_aside, keep_description, raw_description
from .description import describe, read_description
from .intake import NO_FILM, Intake, NoFilm, was_blob
from .pieces import PieceBytes

__all__ = [
    "NO_FILM",
    "Intake",
    "NoFilm",
    "PieceBytes",
    "describe",
    "describe_quietly",
    "is_described",
    "keep_aside",
    "keep_description",
    "raw_description",
    "read_description",
    "was_blob",
]
