"""Watch lists at work: what matches a plate is noted, and told."""

from .listed_plates import ListedPlates

__all__ = ["ListedPlates"]
