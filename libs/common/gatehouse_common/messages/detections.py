"""A question to whatever detector is there, and its answer: for pictures that no camera sent, or that cannot wait.

Both are transient: who asks waits for some seconds, and then nobody is there to hear. ``camera`` is what shares the
questions out among detectors, as pictures of cameras are: of a picture that no camera made it is ``upload-N``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from .envelope import Message
from .plates import Alternatives, Characters, PlateText, Probability, Quad

MAX_READINGS = 64


class ReadingFields(BaseModel):
    """One plate in a picture that was asked about."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    text: PlateText = Field(description="what was read")
    confidence: Probability = Field(description="calibrated: how probably the text is right to the letter")
    characters: Characters = Field(default_factory=list, description="confidence of each character")
    region: str = Field("", max_length=16, description="the table of syntaxes that it fits; empty: none")
    pattern: str = Field("", max_length=32, description="the syntax; empty: none")
    alternatives: Alternatives = Field(default_factory=list, description="other texts, the likeliest first")
    quad: Quad = Field(description="corners in the picture, pixels, clockwise from the upper left one")


Readings = Annotated[list[ReadingFields], Field(max_length=MAX_READINGS)]


class DetectionRequested(Message):
    """Somebody wants to know which plates are in a picture, a JPEG in the body; ``id`` names the question."""

    TYPE: ClassVar[str] = "detection.requested"

    region: str = Field("", max_length=16, description="syntaxes of plates to prefer; empty: all alike")


class DetectionAnswered(Message):
    """A detector has looked at a picture that it was asked about."""

    TYPE: ClassVar[str] = "detection.answered"

    request: str = Field(max_length=36, description="id of the question")
    readings: Readings = Field(default_factory=list, description="the plates, the surest first")
    trouble: str = Field("", max_length=500, description="why it could not look, one sentence; empty: it did")
