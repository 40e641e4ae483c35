"""How long what is kept, how much room there has to be, and what follows from both: what goes next, and when."""

from .due import ClassDue, chunks_due, clips_due
from .outlook import DayDue, Forecast, NextGone, Outlook, Room, look_ahead
from .placing import make_hold
from .reserve import reserve_bytes
from .rules import CameraRules, Rules, rules_of

__all__ = [
    "CameraRules",
    "ClassDue",
    "DayDue",
    "Forecast",
    "NextGone",
    "Outlook",
    "Room",
    "Rules",
    "chunks_due",
    "clips_due",
    "look_ahead",
    "make_hold",
    "reserve_bytes",
    "rules_of",
]
