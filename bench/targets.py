"""What is to be reached, in one list, and why a figure falls short of it where one does."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    """A line of the table.

    Attributes:
        id: what benches and faults name it, e.g. ``P3``.
        what: what it is about.
        target: what is wanted.
        reference: what the figure is held against in the same run; empty where there is nothing.
        measured_by: the command that measures it.
    """

    id: str
    what: str
    target: str
    reference: str
    measured_by: str


def _bench(id_: str, what: str, target: str, reference: str = "", name: str = "") -> Target:
    return Target(id_, what, target, reference, f"make bench BENCH={name or id_}")


def _fault(id_: str, what: str, target: str, files: str) -> Target:
    return Target(id_, what, target, "", f"make faults FAULTS='{files}'")


TARGETS = (
    _bench(
        "P1",
        "processor and memory of recording 1, 8, 32 and 64 cameras",
        "<= 1.0x from 8 cameras on; memory <= 0.3x at 32",
        "an `ffmpeg -c copy -f segment` for each camera",
    ),
    _bench("P2", "cameras of 1080p30 that the whole pipeline records on 2 cores", ">= 64, 0 s of gaps in 5 minutes"),
    _bench(
        "P3",
        "20 s and 10 minutes of footage out of a day, over HTTP",
        "first byte <= 1/25 and <= 5 ms, processor <= 1/15",
        "ffmpeg: concat, inpoint, outpoint, copy",
    ),
    _bench("P4", "random ranges that begin and end with the right frame", "1000 of 1000"),
    _bench("P5", "look-up of a range among 2.6 million chunks", "<= 1 ms p99, within 1.5x of 26,000", "OR of overlaps"),
    _bench("P6", "bytes that a clip takes from a bucket", "<= 1.25x of its own, 1 GET for each chunk"),
    _bench("P7", "last read and post time until the clip plays, 100 at once", "p95 <= 0.6 s"),
    _bench("P8", "frame captured until the plate event is in the index", "p95 <= 0.5 s + one reading"),
    _bench("P9", "processor of watching an idle camera", "<= 1/20, no moving car missed", "decoding every frame"),
    _bench(
        "P10", "1 GiB uploaded in blobs, permuted, 30 % twice, 8 at once", ">= 0.3x, byte-identical", "cp and fsync"
    ),
    _bench("P11", "search for a plate among a million reads", "p95 <= 50 ms", "a scan of all reads"),
    _bench("P12", "timeline of 16 cameras and 30 days", "<= 300 ms"),
    _bench("P13", "start of the demo until a part is stored and a picture is there", "<= 3 s"),
    _bench(
        "P14",
        "live: from the camera to the screen; a further viewer; the pages meanwhile",
        "<= 400 ms; <= 0.1 % of a core; <= 2x",
        "pages without tiles",
        "'P14 grid'",
    ),
    _bench("A1", "top answer exact, by region", "us .78, eu .90, br .98", "an off-the-shelf reader", "A"),
    _bench("A2", "top answer, O and 0, I and 1, Q and 0 alike", "us .82, eu .97, br .99", "the same", "A"),
    _bench("A3", "answers over a confidence of 0.5 that are plates", ">= .95", name="A"),
    _bench("A4", "processor of a frame, its moving region alone", "<= 120 ms", name="A"),
    _fault(
        "A5",
        "cars that cross in 2 s: one event each, with the right text",
        "all",
        "tests/integration/detector/test_visits_film.py",
    ),
    _fault("R1", "kill -9 under recording", "lost <= the open part, 0 disagreements", "tests/faults/test_kill.py"),
    _fault(
        "R2",
        "broker, database, store, detector away or slow",
        "0 frames lost, 0 rows twice",
        "tests/integration/cluster",
    ),
    _fault("R3", "full disks", "0 write errors, 0 held bytes deleted, alert < 60 s", "tests/faults"),
    _fault(
        "R4",
        "clocks that are set, drift, change to summer time",
        "0 frames lost, 0 overlaps",
        "tests/faults/test_clock.py",
    ),
    _fault("R5", "eight kinds of damage to files", "8 of 8 found and mended", "tests/faults/test_planted.py"),
    _fault("R6", "one of three recorders killed", "recorded again <= 10 s", "tests/integration/cluster"),
    _fault("R7", "bad input of any kind", "0 answers 5xx, 0 crashes, 0 hangs", "tests/faults/test_rubbish.py"),
    _fault(
        "R8",
        "every route, role and object of others; planted secrets",
        "0 leaks",
        "tests/integration/api/test_access.py",
    ),
    _fault(
        "R9", "eight kinds of faults in the ledger", "recorded + gaps = wall time +- 1 s", "tests/faults/test_ledger.py"
    ),
)
"""Every target of the table; benches measure more than these (S: a site's size, K: retention), see ``BENCHES``."""

SHORT: tuple[tuple[str, str, str], ...] = tuple(
    (line["id"], line["of"], line["why"])
    for line in tomllib.loads(Path(__file__).with_name("shortfalls.toml").read_text(encoding="utf-8"))["line"]
)
"""Why lines fall short: the id, a part of what was measured, the reason."""


def why(id_: str, what: str) -> str:
    """Return why a line falls short of its target; empty where nobody has said so."""
    return next((text for of, part, text in SHORT if of == id_ and part in what), "")
