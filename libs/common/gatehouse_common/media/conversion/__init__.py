"""Other files out of a slice: Matroska without encoding, WebM and H.264 for players that want these.

A slice is read from its beginning to its end, which it can be from a pipe, and what is made is written as it is made.
"""

from .targets import TARGETS, Target, check_copied, find_target

__all__ = ["TARGETS", "Target", "check_copied", "find_target"]
