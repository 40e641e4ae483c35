"""Whether footage is what was recorded: every byte held to its digest, and exports that others can verify."""

from .export import Exported, write_export
from .files import verify_files
from .findings import Damage, DamageKind, Report
from .recordings import Part, rows_of, verify_recordings
from .signing import signing_key

__all__ = [
    "Damage",
    "DamageKind",
    "Exported",
    "Part",
    "Report",
    "rows_of",
    "signing_key",
    "verify_files",
    "verify_recordings",
    "write_export",
]
