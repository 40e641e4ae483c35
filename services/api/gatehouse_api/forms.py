"""What pages that are forms share: what was written in them, and how they are answered. They need no scripts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from flask import Response, make_response, redirect, render_template, request

from gatehouse_api.context import context
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import parse, to_datetime

_MOST_TEXT = 2048


def text(name: str) -> str:
    """Return what was written in a field, empty if it is not there; of a long text no more than any field takes."""
    return request.form.get(name, "")[:_MOST_TEXT]


def number(name: str) -> float | None:
    """Return the number in a field, None if it is empty.

    Raises:
        InvalidInput: it is none, or none of days.
    """
    written = text(name).strip()
    try:
        found = float(written) if written else None
    except ValueError as error:
        raise InvalidInput(f"{written[:40]!r} is no number.", name) from error
    if found is not None and not 0 < found <= 36_500:
        raise InvalidInput("days have to be more than 0 and at most 36500.", name)
    return found


def seen() -> frozenset[str] | None:
    """Return the tag of what was looked at when the form was filled in; None: it does not say."""
    tag = text("seen")
    return frozenset({tag}) if tag else None


def check_twice() -> None:
    """Return if both fields for a new password say the same.

    Raises:
        InvalidInput: they do not.
    """
    if text("password") != text("again"):
        raise InvalidInput("the two passwords are not the same.", "again")


def led_to(page: str) -> Response:
    """Return what leads on to a page of ours, as a GET."""
    return make_response(redirect(page, 303))


def told(sentences: Mapping[str, str]) -> str | None:
    """Return what the address says that was done, as a sentence."""
    return sentences.get(request.args.get("done", ""))


def dated(shown: dict[str, object], *names: str) -> dict[str, object]:
    """Return what is shown with times in words of the site's zone."""
    zone = context().core.zone
    for name in names:
        at = shown[name]
        shown[name] = None if at is None else to_datetime(parse(str(at), zone, name), zone).strftime("%Y-%m-%d %H:%M")
    return shown


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones, for a list to choose from."""
    return tuple(sorted(available_timezones()))


def page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page; it is asked for again each time."""
    shown = render_template(template, **{"zone": str(context().core.zone), "problem": None, **values})
    answer = make_response(shown, status)
    answer.headers["Cache-Control"] = "no-cache"
    return answer
