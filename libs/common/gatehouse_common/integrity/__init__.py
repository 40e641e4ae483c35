"""Whether footage is what was recorded: every byte held to its digest, and exports that others can verify.

What signs and verifies exports (`export`, `files`, `signing`) is imported from its modules: it loads a library that
services which only record should not wait for.
"""

from .findings import Damage, DamageKind, Report, SignedExport
from .recordings import Part, rows_of, verify_recordings

__all__ = [
    "Damage",
    "DamageKind",
    "Part",
    "Report",
    "SignedExport",
    "rows_of",
    "verify_recordings",
]
