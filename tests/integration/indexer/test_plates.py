"""What detectors tell of plates becomes rows: repeated, late, corrected meanwhile, and told of once committed."""

from __future__ import annotations

import random
from pathlib import Path

from gatehouse_common.bus import Delivery
from gatehouse_common.db import PlateQuery, PlateReader, PlateWriter
from gatehouse_common.messages import PlateClosed, PlateIndexed, PlateSeen
from pipeline_kit import core_at, work_off
from plate_kit import S, T, closed, seen
from running import wait_for


def visit(event: str) -> list[PlateSeen | PlateClosed]:
    """Five reads, voted rightly from the third on, and the end."""
    votes = ["A8C123", "A8C123", "ABC123", "ABC123", "ABC123"]
    reads = [seen(event, vote, n, voted=vote, read=f"{event}-{n}") for n, vote in enumerate(votes)]
    return [*reads, closed(event, "ABC123", 4)]


def test_a_visit_becomes_one_event_with_its_reads(tmp_path: Path) -> None:
    """P8: what a detector tells is in SQL; one row per visit, not per frame."""
    with core_at(tmp_path / "data") as core:
        told: list[tuple[str, str, str]] = []

        def hear(delivery: Delivery) -> None:
            message = delivery.message
            assert isinstance(message, PlateIndexed)
            # The row is committed by now.
            told.append((message.event, message.change, PlateReader(core.db).event(message.event).state))

        heard = core.bus.subscribe_transient([PlateIndexed], hear)
        for message in visit("one"):
            core.bus.publish(message)
        core.bus.publish(seen(None, "SHOP", 9, confidence=0.2, read="doubted"))
        work_off(core)
        wait_for("all that was told", lambda: len(told) == 6)
        heard.close()
        assert [(event, change) for event, change, _ in told] == [
            ("one", "opened"),
            *[("one", "updated")] * 4,
            ("one", "closed"),
        ]
        assert told[-1][2] == "closed"
        reader = PlateReader(core.db)
        (event,) = reader.search(PlateQuery(text="ABC123"))
        assert (event.id, event.state, event.reads, event.start_us, event.end_us) == ("one", "closed", 5, T, T + 4 * S)
        assert [r.id for r in reader.reads("one")] == [f"one-{n}" for n in range(5)]
        assert reader.doubted(None, T, T + 60 * S) == 1
        assert [e.id for e in reader.search(PlateQuery())] == ["one"]


def test_repeated_and_mixed_up_messages_make_the_same_rows(tmp_path: Path) -> None:
    chance = random.Random(6)
    with core_at(tmp_path / "data") as core:
        events = [f"event-{n}" for n in range(8)]
        messages = [message for event in events for message in visit(event) * 2]
        chance.shuffle(messages)
        for message in messages:
            core.bus.publish(message)
        work_off(core)
        assert core.bus.dead_letters() == []
        reader = PlateReader(core.db)
        for event in events:
            kept = reader.event(event)
            assert (kept.state, kept.text, kept.reads, kept.end_us) == ("closed", "ABC123", 5, T + 4 * S)
            assert [r.id for r in reader.reads(event)] == [f"{event}-{n}" for n in range(5)]


def test_what_a_person_corrected_stays(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        before, after = visit("one")[:2], visit("one")[2:]
        for message in before:
            core.bus.publish(message)
        work_off(core)
        PlateWriter(core.db).correct("one", "XYZ789", "ann", T + 60 * S)
        for message in after:
            core.bus.publish(message)
        work_off(core)
        event = PlateReader(core.db).event("one")
        assert (event.text, event.voted_text, event.state, event.reads) == ("XYZ789", "ABC123", "closed", 5)
