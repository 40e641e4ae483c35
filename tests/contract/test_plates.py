"""What the index must do with plates on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from gatehouse_common.db import Database, PlateEvent, PlateQuery, PlateReader, PlateWriter
from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.messages import Direction
from plate_kit import QUAD, S, T, closed, seen


@pytest.fixture
def writer(db: Database) -> PlateWriter:
    return PlateWriter(db)


@pytest.fixture
def reader(db: Database) -> PlateReader:
    return PlateReader(db)


def found(reader: PlateReader, sought: str, match: str = "exact", **more: object) -> list[str]:
    return [e.id for e in reader.search(PlateQuery(text=sought, match=match, **more))]  # type: ignore[arg-type]


def texts_of(db: Database, event: str) -> set[str]:
    with db.read() as c:
        rows = c.execute(text("SELECT text FROM plate_event_texts WHERE event = :event"), {"event": event})
        return set(rows.scalars())


class TestVisits:
    def test_a_visit_from_its_first_read_to_its_end(self, writer: PlateWriter, reader: PlateReader) -> None:
        first = seen("one", "ABC123", read="read-1", frame_key="plates/f.jpg", crop_key="plates/c.jpg")
        assert writer.see(first) == "opened"
        assert reader.event("one") == PlateEvent(
            id="one",
            camera="gate",
            state="open",
            start_us=T,
            end_us=T,
            text="ABC123",
            voted_text="ABC123",
            confidence=0.95,
            characters=[0.9] * 6,
            alternatives=[("ABC128", 0.1)],
            region="eu",
            pattern="AAA999",
            direction="left",
            reads=1,
            best_read="read-1",
            best_us=T,
            quad=list(QUAD),
            picture_width=1920,
            picture_height=1080,
            area=[960, 540, 960, 540],
            frame_key="plates/f.jpg",
            crop_key="plates/c.jpg",
        )
        assert writer.see(seen("one", "ABC123", 1)) == "updated"
        assert [e.id for e in reader.open_events()] == ["one"]
        assert writer.close(closed("one", "ABC123", 2, direction=Direction.LEAVING))
        event = reader.event("one")
        assert (event.state, event.end_us, event.reads, event.direction) == ("closed", T + 2 * S, 3, "leaving")
        assert reader.open_events() == []

    def test_told_again_nothing_changes(self, db: Database, writer: PlateWriter, reader: PlateReader) -> None:
        messages = [seen("one", "ABC123", 0), seen("one", "A8C123", 1, voted="ABC123")]
        end = closed("one", "ABC123", 1)
        for message in messages:
            writer.see(message)
        writer.close(end)
        before = reader.event("one"), reader.reads("one"), texts_of(db, "one")
        assert [writer.see(message) for message in messages] == [None, None]
        assert writer.close(end) is False
        assert (reader.event("one"), reader.reads("one"), texts_of(db, "one")) == before

    def test_in_any_order_the_end_is_the_same(self, db: Database, writer: PlateWriter, reader: PlateReader) -> None:
        chance = random.Random(4)
        votes = ["A8C123", "A8C123", "ABC123", "ABC123", "ABC123"]
        outcomes = set()
        for n in range(12):
            event, camera = f"event-{n}", f"camera-{n}"
            messages = [
                seen(event, f"ABC12{k}", k, camera=camera, voted=vote, confidence=0.4 if k == 3 else 0.9)
                for k, vote in enumerate(votes)
            ]
            told = [*messages, closed(event, "ABC123", 4, camera=camera)]
            chance.shuffle(told)
            for message in told:
                writer.close(message) if message.TYPE == "plate.closed" else writer.see(message)
            kept = replace(reader.event(event), id="", camera="", best_read="")
            outcomes.add((repr(kept), len(reader.reads(event)), frozenset(texts_of(db, event))))
        assert len(outcomes) == 1
        ((_, reads, texts),) = outcomes
        # The voted text, and those of reads that qualify: not what was voted for a while, nor the one below 0.5.
        assert (reads, texts) == (5, {"ABC123", "ABC120", "ABC121", "ABC122", "ABC124"})

    def test_a_closed_visit_is_not_opened_by_what_comes_late(self, writer: PlateWriter, reader: PlateReader) -> None:
        writer.close(closed("one", "ABC123", 1))
        assert writer.see(seen("one", "ABC123", 0)) is None
        assert reader.event("one").state == "closed"
        assert [r.time_us for r in reader.reads("one")] == [T]

    def test_an_end_that_knows_less_than_what_was_told_only_ends(
        self, writer: PlateWriter, reader: PlateReader
    ) -> None:
        writer.see(seen("one", "ABC124", 40))
        assert writer.close(closed("one", "ABC123", 2))
        event = reader.event("one")
        assert (event.state, event.text, event.reads) == ("closed", "ABC124", 41)

    def test_a_visit_that_began_earlier_than_was_known_is_found_by_that(
        self, db: Database, writer: PlateWriter, reader: PlateReader
    ) -> None:
        writer.see(seen("one", "ABC123", start_us=T + 5 * S))
        writer.see(seen("one", "ABC123", 9, start_us=T))
        assert found(reader, "ABC123", end_us=T + S) == ["one"]
        with db.read() as c:
            assert c.execute(text("SELECT DISTINCT start_us FROM plate_event_texts")).scalars().all() == [T]


class TestReads:
    def test_what_is_too_unsure_is_kept_and_counted(self, writer: PlateWriter, reader: PlateReader) -> None:
        """S2-40: reads below the threshold; at it exactly is below (S2-2)."""
        assert writer.see(seen(None, "ABC123", 0, confidence=0.3, read="low")) is None
        writer.see(seen("one", "ABC123", 1, confidence=0.9))
        writer.see(seen("one", "ABC128", 2, voted="ABC123", confidence=0.5, read="equal"))
        assert reader.read("low").event is None
        assert reader.read("equal").qualifies is False
        assert reader.doubted(["gate"], T, T + 10 * S) == 2
        assert reader.doubted(["yard"], T, T + 10 * S) == 0
        assert reader.doubted(None, T + 1, T + 2 * S) == 0
        assert found(reader, "ABC128") == []

    def test_how_sure_reads_were(self, writer: PlateWriter, reader: PlateReader) -> None:
        """S2-40: the histogram has equal parts, their lower bounds included, and 1.0 in the last."""
        sure = [0.0, 0.049, 0.05, 0.5, 0.95, 0.999, 1.0]
        for n, confidence in enumerate(sure):
            writer.see(seen(None, "ABC123", n, confidence=confidence, camera="gate" if n % 2 else "yard"))
        counts = reader.confidences(None, T, T + 100 * S)
        assert len(counts) == 20
        assert {n: c for n, c in enumerate(counts) if c} == {0: 2, 1: 1, 10: 1, 19: 3}
        assert sum(reader.confidences(["gate"], T, T + 100 * S)) == 3
        assert reader.confidences(None, T + S, T + 3 * S, bins=4) == [2, 0, 0, 0]
        assert reader.confidences([], T, T + 100 * S) == [0] * 20

    def test_reads_come_by_time_and_whole(self, writer: PlateWriter, reader: PlateReader) -> None:
        for n in (2, 0, 1):
            writer.see(seen("one", "ABC123", n, read=f"read-{n}"))
        reads = reader.reads("one")
        assert [r.id for r in reads] == ["read-0", "read-1", "read-2"]
        assert [r.id for r in reader.reads("one", limit=2)] == ["read-0", "read-1"]
        assert [r.id for r in reader.newest_reads("one", limit=2)] == ["read-1", "read-2"]
        one = reader.read("read-1")
        assert one == reads[1]
        assert (one.quad, one.alternatives, one.pts, one.threshold) == (list(QUAD), [("OTHER", 0.25)], 90_000, 0.5)

    def test_what_is_not_there(self, reader: PlateReader) -> None:
        for ask in (reader.event, reader.read):
            with pytest.raises(NotFound, match="nothing"):
                ask("nothing")
        assert reader.reads("nothing") == []
        assert reader.events(["nothing"]) == {}
        assert reader.history("ABC123") is None


class TestPeople:
    def test_a_correction_stays_whatever_is_voted_later(self, writer: PlateWriter, reader: PlateReader) -> None:
        writer.see(seen("one", "ABC123", 0))
        corrected = writer.correct("one", "XYZ789", "ann", T + S)
        assert (corrected.text, corrected.voted_text) == ("XYZ789", "ABC123")
        assert (corrected.corrected_by, corrected.corrected_us) == ("ann", T + S)
        writer.see(seen("one", "ABC124", 1))
        writer.close(closed("one", "ABC124", 2))
        event = reader.event("one")
        assert (event.text, event.voted_text, event.corrected_by) == ("XYZ789", "ABC124", "ann")
        assert found(reader, "XYZ789") == found(reader, "ABC124") == found(reader, "ABC123") == ["one"]

    def test_a_correction_is_taken_back(self, db: Database, writer: PlateWriter, reader: PlateReader) -> None:
        writer.see(seen("one", "ABC123", 0))
        writer.correct("one", "XYZ789", "ann", T)
        writer.correct("one", "XYZ788", "ann", T)
        assert texts_of(db, "one") == {"ABC123", "XYZ788"}
        event = writer.correct("one", None, "ben", T + S)
        assert (event.text, event.corrected_us, event.corrected_by) == ("ABC123", None, None)
        assert found(reader, "XYZ788") == []
        assert texts_of(db, "one") == {"ABC123"}

    def test_what_is_rejected_is_found_only_if_asked_for(self, writer: PlateWriter, reader: PlateReader) -> None:
        writer.see(seen("one", "ABC123", 0))
        event = writer.reject("one", True, "ann", T + S)
        assert (event.rejected, event.rejected_by, event.rejected_us) == (True, "ann", T + S)
        assert found(reader, "ABC123") == []
        assert found(reader, "ABC123", rejected=True) == ["one"]
        assert reader.history("ABC123") is None
        writer.see(seen("one", "ABC123", 1))
        assert reader.event("one").rejected
        event = writer.reject("one", False, "ann", T + 2 * S)
        assert (event.rejected, event.rejected_by, event.rejected_us) == (False, None, None)
        assert found(reader, "ABC123") == ["one"]

    @pytest.mark.parametrize("wrong", ["", "abc", "AB-1", "A" * 17])
    def test_what_is_no_plate_is_refused(self, writer: PlateWriter, reader: PlateReader, wrong: str) -> None:
        writer.see(seen("one", "ABC123", 0))
        with pytest.raises(InvalidInput, match="is no plate"):
            writer.correct("one", wrong, "ann", T)
        assert reader.event("one").text == "ABC123"

    def test_what_is_not_there_cannot_be_corrected(self, writer: PlateWriter) -> None:
        with pytest.raises(NotFound, match="nothing"):
            writer.correct("nothing", "ABC123", "ann", T)
        with pytest.raises(NotFound, match="nothing"):
            writer.reject("nothing", True, "ann", T)


class TestSearch:
    @pytest.fixture(autouse=True)
    def _some(self, writer: PlateWriter) -> None:
        for n, (plate, camera) in enumerate(
            [("ABC1234", "gate"), ("ABC1284", "yard"), ("XBC1234", "gate"), ("A8C1234", "gate"), ("ABC123", "hall")]
        ):
            writer.see(seen(f"event-{n}", plate, camera=camera, start_us=T + n * 60 * S, confidence=0.6 + n / 10))
            if n % 2:
                writer.close(closed(f"event-{n}", plate, 4, camera=camera, start_us=T + n * 60 * S))

    @pytest.mark.parametrize(
        ("sought", "match", "events"),
        [
            ("ABC1234", "exact", [0]),
            ("ABC", "prefix", [4, 1, 0]),
            ("ABC1234", "fuzzy", [4, 3, 2, 1, 0]),
            ("A8CI234", "fuzzy", [4, 3, 2, 1, 0]),
            ("ABC124", "fuzzy", [4, 3, 1, 0]),
            ("*1234", "wildcard", [3, 2, 0]),
            ("?BC12?4", "wildcard", [2, 1, 0]),
            ("*BC*8*", "wildcard", [1]),
            ("ABC1234", "wildcard", [0]),
            ("*", "wildcard", [4, 3, 2, 1, 0]),
            ("??????", "wildcard", [4]),
            ("Q*", "wildcard", []),
            ("QQQQQQQ", "fuzzy", []),
        ],
    )
    def test_ways_to_look_for_a_plate(self, reader: PlateReader, sought: str, match: str, events: list[int]) -> None:
        assert found(reader, sought, match) == [f"event-{n}" for n in events]
        query = PlateQuery(text=sought, match=match)  # type: ignore[arg-type] - it is one of them
        assert reader.count(query) == len(events)

    def test_texts_that_have_the_part_several_times_are_all_found(
        self, writer: PlateWriter, reader: PlateReader
    ) -> None:
        """Each of them is known by several of its ends: there are more of those than are looked for one by one."""
        for n in range(110):
            writer.see(seen(f"ones-{n:03}", f"111110{n:03}", start_us=T + n * S))
        writer.see(seen("last", "11Z", start_us=T + 110 * S))
        assert found(reader, "*11*", "wildcard", limit=200) == ["last", *(f"ones-{n:03}" for n in reversed(range(110)))]

    def test_only_some(self, reader: PlateReader) -> None:
        assert found(reader, "*", "wildcard", cameras=frozenset(["gate"])) == ["event-3", "event-2", "event-0"]
        assert found(reader, "*", "wildcard", cameras=frozenset()) == []
        assert found(reader, "*", "wildcard", start_us=T + 64 * S, end_us=T + 120 * S) == ["event-1"]  # to its end
        assert found(reader, "*", "wildcard", start_us=T + 65 * S, end_us=T + 121 * S) == ["event-2"]
        assert found(reader, "*", "wildcard", limit=2, offset=1) == ["event-3", "event-2"]
        assert found(reader, "*", "wildcard", min_confidence=0.95) == [f"event-{n}" for n in (4, 3, 2, 1, 0)]
        assert found(reader, "*", "wildcard", min_confidence=0.96) == []

    def test_pages_of_older_clients(self, reader: PlateReader) -> None:
        """S2-20: they pass over what they have; what is passed over is not fetched, however much it is."""
        pages = [reader.search(PlateQuery(limit=2, offset=offset)) for offset in (0, 2, 4, 6, 10_000_000)]
        assert [[e.id for e in page] for page in pages] == [
            ["event-4", "event-3"],
            ["event-2", "event-1"],
            ["event-0"],
            [],
            [],
        ]
        gate = PlateQuery(limit=2, offset=1, cameras=frozenset(["gate"]))
        assert [e.id for e in reader.search(gate)] == ["event-2", "event-0"]

    def test_confidence_is_kept_as_it_is_told(self, writer: PlateWriter, reader: PlateReader) -> None:
        """A database that keeps four bytes of it would not find 0.9 among what is at least 0.9."""
        writer.see(seen("sure", "NINE9", 0, confidence=0.9, start_us=T + S))
        assert reader.reads("sure")[0].confidence == 0.9

    def test_how_often_a_plate_came(self, writer: PlateWriter, reader: PlateReader) -> None:
        writer.see(seen("again", "ABC1234", camera="yard", start_us=T + 7 * S))
        assert reader.history("ABC1234") == (2, T, T + 7 * S)
        assert reader.history("ABC1234", ["yard"]) == (1, T + 7 * S, T + 7 * S)
        assert reader.histories(["ABC1234", "XBC1234", "NONE"]) == {
            "ABC1234": (2, T, T + 7 * S),
            "XBC1234": (1, T + 120 * S, T + 120 * S),
        }

    def test_open_visits_of_cameras(self, reader: PlateReader) -> None:
        assert [e.id for e in reader.open_events()] == ["event-0", "event-2", "event-4"]
        assert [e.id for e in reader.open_events(["hall", "yard"])] == ["event-4"]
        assert reader.open_events([]) == []

    def test_what_no_plate_has_is_refused(self, reader: PlateReader) -> None:
        for ask in (reader.search, reader.count):
            with pytest.raises(InvalidInput, match="not '%'"):
                ask(PlateQuery(text="A%", match="wildcard"))


def test_many_writers_at_once_lose_nothing(database_url: str) -> None:
    """Indexers that took over from one another, at the same events, and at plates that are the same."""
    Database(database_url).upgrade()
    plates = [f"ABC12{n}" for n in range(4)]
    failed: list[BaseException] = []

    def work(n: int) -> None:
        db = Database(database_url)
        writer = PlateWriter(db)
        try:
            for k in range(12):
                for event, plate in enumerate(plates):
                    one = seen(f"event-{event}", plates[(event + k) % 4], k, voted=plate, read=f"read-{event}-{k}")
                    writer.see(one)
                    writer.see(seen(f"own-{n}-{k}", plate, read=f"own-read-{n}-{k}-{event}"))
            for event, plate in enumerate(plates):
                writer.close(closed(f"event-{event}", plate, 11))
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    db = Database(database_url)
    reader = PlateReader(db)
    for event, plate in enumerate(plates):
        one = reader.event(f"event-{event}")
        assert (one.state, one.text, one.reads, one.end_us) == ("closed", plate, 12, T + 11 * S)
        assert len(reader.reads(one.id)) == 12
        assert texts_of(db, one.id) == set(plates)
    with db.read() as c:
        assert sorted(c.execute(text("SELECT text FROM plate_texts")).scalars()) == plates
        assert c.execute(text("SELECT count(*) FROM plate_text_suffixes")).scalar() == 4 * 5
    db.close()
