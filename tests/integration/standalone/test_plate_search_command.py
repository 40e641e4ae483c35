"""``gatehouse plates search``: finds what was read without a server, and says what is wrong in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatehouse.cli.entry import root
from gatehouse_common.db import Database, PlateWriter
from gatehouse_common.errors import InvalidInput, NotFound
from plate_kit import S, T, closed, seen


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    db = Database(f"sqlite:///{folder}/gatehouse.db")
    db.upgrade()
    writer = PlateWriter(db)
    for n, (plate, camera) in enumerate([("ABC1234", "gate"), ("A8C1234", "yard"), ("XYZ789", "gate")]):
        writer.see(seen(f"event-{n}", plate, camera=camera, start_us=T + n * 60 * S))
        writer.close(closed(f"event-{n}", plate, 4, camera=camera, start_us=T + n * 60 * S))
    writer.correct("event-2", "XYZ780", "ann", T + 300 * S)
    db.close()
    return folder


def search(data: Path, *words: str) -> Result:
    environment = {"GATEHOUSE_TIMEZONE": "Europe/Berlin"}
    return CliRunner().invoke(root, ["plates", "search", *words, "--data", str(data)], env=environment)


def ids(data: Path, *words: str) -> list[str]:
    done = search(data, *words, "--json")
    assert done.exit_code == 0, done.output
    return [one["id"] for one in json.loads(done.stdout)]


def test_a_plate_is_found_as_it_is_remembered(data: Path) -> None:
    assert ids(data, "abc 1234") == ["event-1", "event-0"]
    assert ids(data, "ABC-I2E4", "--match", "fuzzy") == ["event-1", "event-0"]
    assert ids(data, "ABC1234", "--match", "exact") == ["event-0"]
    assert ids(data, "*C12?4") == ["event-1", "event-0"]
    assert ids(data, "A", "--match", "prefix", "--limit", "1") == ["event-1"]
    assert ids(data, "*", "--camera", "gate") == ["event-2", "event-0"]
    assert ids(data, "*", "--from", "2024-05-17T10:20:30", "--to", "2024-05-17T10:22:00") == ["event-1"]


def test_what_was_found_in_words_and_for_scripts(data: Path) -> None:
    done = search(data, "ABC1234")
    assert done.stdout.splitlines() == [
        "2024-05-17T10:21:00.000000+02:00  A8C1234   0.95  yard  5 reads in 4 s, 1 different",
        "2024-05-17T10:20:00.000000+02:00  ABC1234   0.95  gate  5 reads in 4 s",
    ]
    assert "XYZ780" in search(data, "XYZ789").stdout
    assert "read as XYZ789" in search(data, "XYZ789").stdout
    (one,) = json.loads(search(data, "XYZ*", "--json").stdout)
    assert (one["plate"], one["voted"], one["camera"], one["reads"]) == ("XYZ780", "XYZ789", "gate", 5)
    assert (one["start"], one["end"]) == ("2024-05-17T10:22:00.000000+02:00", "2024-05-17T10:22:04.000000+02:00")


def test_nothing_found_is_no_error(data: Path) -> None:
    done = search(data, "QQQQQQ")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "like QQQQQQ" in done.stderr
    assert ids(data, "QQQQQQ") == []


def test_what_is_wrong_is_told(data: Path, tmp_path: Path) -> None:
    for words, said in ((("A%C",), "not '%'"), (("A" * 30,), "1 to 16"), (("A", "--from", "soon"), "--from")):
        error = search(data, *words).exception
        assert isinstance(error, InvalidInput)
        assert said in error.message or said == error.field
    assert isinstance(search(tmp_path / "nowhere", "A").exception, NotFound)
