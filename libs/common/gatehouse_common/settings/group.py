"""What all groups of settings are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Base of all groups of settings: unknown names are errors, so that a misspelt setting is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
