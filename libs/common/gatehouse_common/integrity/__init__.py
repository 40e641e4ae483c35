"""Whether footage is what was recorded: every byte held to its digest, and exports that others can verify."""

from .files import verify_files
from .findings import Damage, DamageKind, Report
from .recordings import Part, rows_of, verify_recordings

__all__ = [
    "Damage",
    "DamageKind",
    "Part",
    "Report",
    "rows_of",
    "verify_files",
    "verify_recordings",
]
