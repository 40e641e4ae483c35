"""How well plates are read: the figures of ``gatehouse plates bench``."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_detector.reading.alphabet import folded
from gatehouse_detector.reading.off_the_shelf import OffTheShelf
from gatehouse_detector.reading.port import Engine, Image, Reading
from gatehouse_detector.reading.syntaxes import known_region

SURE = 0.5
"""Confidence above which an answer counts for precision: that of the setting `detection.threshold`."""
_COLUMNS = ("file", "region", "plate", "x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class Row:
    """A picture of which the plate is known; its box is left, top, width and height in pixels."""

    file: str
    region: str
    plate: str
    box: tuple[float, float, float, float]

    def holds(self, reading: Reading) -> bool:
        """Tell whether a reading's middle is on the plate."""
        x = sum(corner[0] for corner in reading.quad) / 4
        y = sum(corner[1] for corner in reading.quad) / 4
        left, top, width, height = self.box
        return left < x < left + width and top < y < top + height


def rows_of(index: Path) -> list[Row]:
    """Return the rows of an index.

    Raises:
        NotFound: there is no such file.
        InvalidInput: a column is missing or a value is wrong.
    """
    try:
        text = index.read_text()
    except OSError as error:
        raise from_os_error(error, f"reading {index}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{index} is no CSV file: it is no text.") from error
    rows = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        missing = [column for column in _COLUMNS if not row.get(column)]
        if missing:
            raise InvalidInput(f"{index}, line {number}: there is no {', '.join(missing)}.")
        try:
            x, y, width, height = (float(row[column]) for column in _COLUMNS[3:])
        except ValueError as error:
            raise InvalidInput(f"{index}, line {number}: x, y, width and height are pixels.") from error
        rows.append(Row(row["file"], known_region(row["region"]), row["plate"].strip().upper(), (x, y, width, height)))
    if not rows:
        raise InvalidInput(f"{index} names no pictures.")
    return rows


@dataclass(slots=True)
class Score:
    """Counts over the pictures of one region."""

    n: int = 0
    exact_n: int = 0
    folded_n: int = 0
    located_n: int = 0
    cpu_s: float = 0.0

    def count(self, texts: list[str], plate: str) -> None:
        """Count a picture right if one of the texts is its plate."""
        self.n += 1
        self.exact_n += plate in texts
        self.folded_n += folded(plate) in [folded(text) for text in texts]

    @property
    def exact(self) -> float:
        """Share of pictures of which the answer is the plate."""
        return self.exact_n / max(1, self.n)

    @property
    def folded(self) -> float:
        """The same with O and 0, I and 1, Q and 0 alike."""
        return self.folded_n / max(1, self.n)

    @property
    def located(self) -> float:
        """Share of pictures of which some answer is on the plate."""
        return self.located_n / max(1, self.n)

    @property
    def cpu_ms(self) -> float:
        """CPU per picture."""
        return 1000 * self.cpu_s / max(1, self.n)

    def result(self) -> dict[str, float]:
        """Return the figures."""
        return {
            "exact": round(self.exact, 4),
            "folded": round(self.folded, 4),
            "n": self.n,
            "cpu_ms": round(self.cpu_ms, 1),
        }


class Bench:
    """Counts right answers of an engine, and of an off-the-shelf reader of text, picture by picture.

    Args:
        engine: what is measured.
        baseline: whether the other one is too.
    """

    def __init__(self, engine: Engine, *, baseline: bool) -> None:
        self._engine = engine
        self._other = OffTheShelf() if baseline else None
        self.regions: dict[str, Score] = defaultdict(Score)
        self.baseline: dict[str, Score] = defaultdict(Score)
        self.any_line: dict[str, Score] = defaultdict(Score)
        self.sure = 0
        self.sure_on_plate = 0
        self.sure_right = 0

    def read(self, row: Row, image: Image, hint: str) -> None:
        """Read a picture and count.

        Args:
            row: what is in it.
            image: its pixels.
            hint: the region that the engine is told.
        """
        score = self.regions[row.region]
        before = time.process_time()
        readings = self._engine.read(image, hint)
        score.cpu_s += time.process_time() - before
        score.count([reading.text for reading in readings[:1]], row.plate)
        score.located_n += any(row.holds(reading) for reading in readings)
        for reading in readings:
            if reading.confidence > SURE:
                right = folded(reading.text) == folded(row.plate)
                self.sure += 1
                self.sure_on_plate += row.holds(reading)
                self.sure_right += right
        if self._other:
            self._compare(self._other, row, image)

    def _compare(self, other: OffTheShelf, row: Row, image: Image) -> None:
        before = time.process_time()
        texts = [text for text, _ in other.read(image)]
        taken = time.process_time() - before
        for score, counted in ((self.baseline[row.region], texts[:1]), (self.any_line[row.region], texts)):
            score.cpu_s += taken
            score.count(counted, row.plate)

    def share(self, count: int) -> float:
        """Return a count of sure answers as a share of all of them; 1 where there are none."""
        return count / self.sure if self.sure else 1.0

    def result(self) -> dict[str, object]:
        """Return all figures, for scripts."""
        result: dict[str, object] = {
            "regions": {
                region: {**score.result(), "located": round(score.located, 4)} for region, score in self.regions.items()
            },
            "precision": round(self.share(self.sure_on_plate), 4),
            "precision_of_texts": round(self.share(self.sure_right), 4),
            "answers_above_threshold": self.sure,
        }
        if self._other:
            result["baseline"] = {
                region: {
                    "top_line": self.baseline[region].result(),
                    "any_line": self.any_line[region].result(),
                }
                for region in self.baseline
            }
        return result
