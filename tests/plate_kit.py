"""Messages about plates, as a detector sends them."""

from __future__ import annotations

from typing import Any

from gatehouse_common.ids import new_id
from gatehouse_common.messages import Direction, PlateClosed, PlateSeen, ReadFields, VisitFields

T = 1_715_934_000_000_000  # 2024-05-17 08:20:00 UTC
S = 1_000_000
QUAD = ((10.0, 20.0), (110.0, 21.0), (110.5, 51.0), (9.5, 50.0))


def read_of(text: str, time_us: int, confidence: float = 0.9, read: str | None = None) -> ReadFields:
    return ReadFields(
        id=read or new_id(),
        time_us=time_us,
        run="run",
        pts=(time_us - T) * 9 // 100,
        text=text,
        confidence=confidence,
        characters=[confidence] * len(text),
        alternatives=[("OTHER", 0.25)],
        region="eu",
        pattern="AAA999",
        quad=QUAD,
        picture_width=1920,
        picture_height=1080,
        area=(960, 540, 960, 540),
    )


def visit_of(
    event: str, text: str, start_us: int, end_us: int, reads: int, best: ReadFields, **more: Any
) -> VisitFields:
    values: dict[str, Any] = {
        "confidence": 0.95,
        "region": "eu",
        "pattern": "AAA999",
        "direction": Direction.LEFT,
        **more,
    }
    return VisitFields(
        event=event,
        start_us=start_us,
        end_us=end_us,
        text=text,
        characters=[0.9] * len(text),
        alternatives=[("ABC128", 0.1)],
        reads=reads,
        best=best,
        **values,
    )


def seen(
    event: str | None,
    text: str,
    n: int = 0,
    *,
    camera: str = "gate",
    start_us: int = T,
    voted: str | None = None,
    confidence: float = 0.9,
    read: str | None = None,
    **more: Any,
) -> PlateSeen:
    """The n-th read of a visit, a second after the one before; with no event of a plate that is too unsure."""
    at_us = start_us + n * S
    one = read_of(text, at_us, confidence, read)
    visit = None if event is None else visit_of(event, voted or text, start_us, at_us, n + 1, one, **more)
    return PlateSeen(camera=camera, time_us=at_us, read=one, threshold=0.5, visit=visit)


def closed(event: str, text: str, n: int, *, camera: str = "gate", start_us: int = T, **more: Any) -> PlateClosed:
    """The end of a visit of n + 1 reads, ten seconds after the last."""
    end_us = start_us + n * S
    visit = visit_of(event, text, start_us, end_us, n + 1, read_of(text, start_us), **more)
    return PlateClosed(camera=camera, time_us=end_us + 10 * S, visit=visit)
