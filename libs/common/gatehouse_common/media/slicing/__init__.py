"""The slicer: a range of wall time becomes a file that is described and not made.

chunks -> spans -> selection -> placement on the slice's own time line -> sample tables -> moov -> pieces
"""

from .request import LOOKBACK_US, CodecChange, Slice, slice_footage
from .smart import smart_slice
from .split import split_footage

__all__ = ["LOOKBACK_US", "CodecChange", "Slice", "slice_footage", "smart_slice", "split_footage"]
