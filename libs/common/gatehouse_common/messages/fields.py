"""Types of fields that many messages share, with the bounds within which a reader can trust them.

A number that SQL could not hold, or a camera that could not be part of an object key,
is refused when a message is decoded: it becomes a dead letter with its reason, not a failure further down.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse_common.ids import SLUG

_INT64 = 2**63 - 1

Moment = Annotated[int, Field(ge=-_INT64, le=_INT64)]
"""Microseconds, or ticks of a media timescale."""

Count = Annotated[int, Field(ge=0, le=_INT64)]
"""Bytes, pixels, frames."""

CameraId = Annotated[str, Field(pattern=f"^(?:{SLUG.pattern})$", max_length=64)]
"""Slug of a camera."""

InnerUrl = Annotated[str, Field(pattern=r"^(?:https?://[!-~]+)?$", max_length=255)]
"""The inner address of a process; empty: none."""
