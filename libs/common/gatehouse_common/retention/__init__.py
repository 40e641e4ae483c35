"""How long what is kept, how much room there has to be, and what follows from both: what goes next, and when."""

from .coming import DayDue
from .due import ClassDue, chunks_due, clips_due
from .hold_copy import CopiedHold, copy_holds, know_holds, read_copy, restore_holds
from .outlook import Forecast, NextGone, Outlook, Room, look_ahead
from .placing import make_hold, medium_to_hold
from .reserve import reserve_bytes
from .rules import CameraRules, Rules, refuse_of_age, rules_of
from .trash_copy import copy_trash, read_trash

__all__ = [
    "CameraRules",
    "ClassDue",
    "CopiedHold",
    "DayDue",
    "Forecast",
    "NextGone",
    "Outlook",
    "Room",
    "Rules",
    "chunks_due",
    "clips_due",
    "copy_holds",
    "copy_trash",
    "know_holds",
    "look_ahead",
    "make_hold",
    "medium_to_hold",
    "read_copy",
    "read_trash",
    "refuse_of_age",
    "reserve_bytes",
    "restore_holds",
    "rules_of",
]
