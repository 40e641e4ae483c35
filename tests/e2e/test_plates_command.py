"""`gatehouse plates` as a user runs it: plates of a picture, figures over many, and one line for what is wrong."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLEAR = 2
"""Photographs of each region that are measured here."""


def plates(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command; it must end with that code."""
    run = [sys.executable, "-m", "gatehouse", "plates", *words]
    done = subprocess.run(run, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Return an index of the largest plates of each region."""
    data = os.environ.get("GATEHOUSE_TEST_DATA")
    if not data:
        pytest.skip("GATEHOUSE_TEST_DATA names no folder with photographs of plates")
    folder = Path(data) / "plates"
    rows = list(csv.DictReader((folder / "index.csv").read_text().splitlines()))
    picked = []
    for region in ("us", "eu", "br"):
        of_region = sorted((row for row in rows if row["region"] == region), key=lambda row: -int(row["width"]))
        picked += of_region[:CLEAR]
    for row in picked:
        row["file"] = str(folder / row["file"])
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(picked[0]))
        writer.writeheader()
        writer.writerows(picked)
    return tmp_path / "index.csv"


@pytest.mark.slow
def test_bench_gives_the_figures_of_each_region(index: Path) -> None:
    result = json.loads(plates("bench", str(index), "--json").stdout)
    for region in ("us", "eu", "br"):
        figures = result["regions"][region]
        assert figures["n"] == CLEAR
        assert 0.5 <= figures["exact"] <= figures["folded"] <= 1
        assert figures["cpu_ms"] > 1
        # The reader of any text is told beside it, on the same pictures.
        assert result["baseline"][region]["top_line"]["n"] == CLEAR
        assert result["baseline"][region]["any_line"]["folded"] >= result["baseline"][region]["top_line"]["folded"]
    assert 0.8 <= result["precision"] <= 1


@pytest.mark.slow
def test_bench_speaks_to_people_too(index: Path) -> None:
    said = plates("bench", str(index), "--region", "any", "--no-baseline").stdout
    for word in ("exact", "folded", "CPU ms", "us", "eu", "br", "confidence above 0.5"):
        assert word in said


def test_the_plates_of_a_picture_are_read(index: Path) -> None:
    row = list(csv.DictReader(index.read_text().splitlines()))[-1]
    (found, *_) = json.loads(plates("read", row["file"], "--region", row["region"], "--json").stdout)
    assert found["plate"] == row["plate"]
    assert found["confidence"] > 0.5
    assert len(found["characters"]) == len(found["plate"])
    assert row["plate"] in plates("read", row["file"]).stdout


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no picture")
    (tmp_path / "no.csv").write_text("file,plate\na.jpg,ABC123\n")
    (tmp_path / "none.csv").write_text("file,region,plate,x,y,width,height\na.jpg,mars,ABC123,1,1,2,2\n")
    wrong = {
        "no.jpg is": ("read", str(tmp_path / "no.jpg")),
        "No such file": ("read", str(tmp_path / "missing.jpg")),
        "br, eu, us": ("read", str(tmp_path / "no.jpg"), "--region", "mars"),
        "line 2": ("bench", str(tmp_path / "no.csv")),
        "'mars'": ("bench", str(tmp_path / "none.csv")),
    }
    for reason, words in wrong.items():
        said = plates(*words, code=2).stderr
        assert said.count("\n") == 1
        assert reason in said or reason.replace(" is", "") in said
