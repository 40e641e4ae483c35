"""Work that several processes share: who does which part, decided by each from what all can see."""

from .share import FairShare
from .watching import Watch

__all__ = ["FairShare", "Watch"]
