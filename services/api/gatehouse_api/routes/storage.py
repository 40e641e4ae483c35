"""``/api/v1/storage/plan``: what clips of events take, before there are any (S2-25)."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.models import Asked
from gatehouse_common.accounts import Scope
from gatehouse_common.sizefmt import shown_size

api = Routes("storage", __name__, url_prefix="/api/v1/storage", abp_tags=[Tag(name="Storage")])


class PlanQuery(Asked):
    """What is to be kept."""

    events_per_day: float = Field(100, ge=0, le=1e6, description="clips a day")
    seconds: float = Field(20, gt=0, le=3500, description="length of each")
    mbit_per_second: float = Field(3, gt=0, le=1000, description="of the cameras, in millions of bits")
    days: float = Field(30, gt=0, le=36500, description="for how long they are kept")


class Plan(BaseModel):
    """What that takes."""

    bytes_per_event: int
    bytes_per_day: int
    bytes_total: int = Field(description="once the oldest are as old as they may become")
    sentence: str


@api.get("/plan", responses={200: Plan}, summary="What clips take a day, and in all")
@needs(Scope.SETTINGS_ADMIN)
def get_plan(query: PlanQuery) -> Response:
    """Return what clips take: events a day, times their seconds, times their bits, times days."""
    return jsonify(plan(query).model_dump())


def plan(query: PlanQuery) -> Plan:
    """Return what clips take."""
    each = query.seconds * query.mbit_per_second * 1e6 / 8
    day = query.events_per_day * each
    total = day * query.days
    sentence = (
        f"{query.events_per_day:g} events a day of {query.seconds:g} s at {query.mbit_per_second:g} Mbit/s take "
        f"{shown_size(day)} a day, {shown_size(total)} in {query.days:g} days."
    )
    return Plan(bytes_per_event=round(each), bytes_per_day=round(day), bytes_total=round(total), sentence=sentence)
