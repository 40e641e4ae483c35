"""Keys: spelled in one place, and read back."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import new_id
from gatehouse_common.settings.sessions import SessionSettings
from gatehouse_common.storage import keys

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
SLUGS = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?", fullmatch=True)
TIMES = st.integers(0, 4_000_000_000_000_000)


def test_recordings_are_named_in_the_sites_zone() -> None:
    at = 1_715_934_180_250_000  # 2024-05-17 08:23:00.25 UTC
    assert keys.recording("gate", at, UTC) == "recordings/gate/2024-05-17/recording_20240517_082300.mp4"
    assert keys.recording("gate", at, BERLIN, 3) == "recordings/gate/2024-05-17/recording_20240517_102300_3.mp4"
    assert keys.recording("gate", at + 14 * 3_600_000_000, BERLIN).startswith("recordings/gate/2024-05-18/")


@given(camera=SLUGS, start_us=TIMES, attempt=st.integers(1, 99))
def test_what_a_recording_key_says_is_read_back(camera: str, start_us: int, attempt: int) -> None:
    key = keys.recording(camera, start_us, UTC, attempt)
    assert keys.validate(key) == key
    name = keys.parse_recording(key, UTC)
    assert name == keys.RecordingName(camera, start_us // 1_000_000 * 1_000_000, attempt)


@given(camera=SLUGS, start_us=TIMES)
def test_what_a_spool_key_says_is_read_back(camera: str, start_us: int) -> None:
    run = new_id()
    key = keys.spool(camera, run, start_us)
    assert keys.validate(key) == key
    assert keys.parse_spool(key) == keys.SpoolName(camera, run, start_us)


def test_the_second_pass_of_a_repeated_hour_gets_a_name_of_its_own() -> None:
    first, second = 1_729_989_000_000_000, 1_729_992_600_000_000  # 2024-10-27 02:30 in Berlin, twice
    assert keys.recording("gate", first, BERLIN) == keys.recording("gate", second, BERLIN)
    again = keys.recording("gate", second, BERLIN, 2)
    assert again.endswith("recording_20241027_023000_2.mp4")
    assert keys.parse_recording(again, BERLIN) == keys.RecordingName("gate", first, 2)


@pytest.mark.parametrize(
    "key",
    [
        "recordings/recording_index.json",
        "recordings/gate/2024-05-17/holiday.mp4",
        "recordings/gate/2024-05-17/recording_20241399_256199.mp4",
        "recordings/GATE/2024-05-17/recording_20240517_102300.mp4",
        "recordings/gate/2024-05-17/recording_20240517_102300.mp4.part",
        "spool/gate/x/1.mp4",
    ],
)
def test_foreign_names_are_not_taken_for_recordings(key: str) -> None:
    assert keys.parse_recording(key, UTC) is None
    assert keys.parse_spool(key) is None


@given(st.text(max_size=60))
def test_no_text_climbs(text: str) -> None:
    """S0-39: `../`, NUL, absolute paths and unicode tricks."""
    try:
        keys.validate(text)
    except InvalidInput:
        return
    assert not text.startswith("/")
    assert ".." not in text.split("/")
    assert not {"\0", "\\"} & set(text)


def test_quarantine_and_clips_are_flat() -> None:
    assert keys.quarantine("spool/gate/x/1.mp4", 5) == "quarantine/5_spool_gate_x_1.mp4"
    assert keys.clip("abcd", "mp4") == "clips/ab/abcd.mp4"


def test_files_of_sessions_go_where_the_template_says() -> None:
    """S3-9, S3-5: by default as they always were; of a name only what is safe in a path."""
    at = 1_715_934_180_250_000  # 2024-05-17 08:23:00.25 UTC
    assert keys.session(at, 7, BERLIN, name="12") == "sessions/2024-05-17/12.mp4"
    assert keys.session(at, 7, BERLIN, 2) == "sessions/2024-05-17/session_20240517_102300_7-2.mp4"
    path = SessionSettings(path="visits/{camera}/{user}/{date}-{time}_{id}").path
    whose = {"path": path, "user": 3, "user_name": "../Ädá Ö."}
    of_camera = keys.session(at, 7, UTC, name="12", camera="gate", **whose)  # type: ignore[arg-type]
    assert of_camera == "sessions/visits/gate/d.3/2024-05-17-082300_12.mp4"
    of_browser = keys.session(at, 7, UTC, extension="webm", **whose)  # type: ignore[arg-type]
    assert of_browser.startswith("sessions/visits/browser/d.3/")
    assert keys.is_session(of_camera)
    assert keys.is_session(of_browser)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" {date}/{id}.mp4 ", "{date}/{id}"),
        ("./visits//front/./{id}", "visits/front/{id}"),
        ("{id}/", "{id}"),
    ],
)
def test_a_template_is_normalised(written: str, kept: str) -> None:
    """C-12."""
    assert SessionSettings(path=written).path == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "", ".", "/", "/{id}", "/etc/{id}", "~/{id}", "C:/{id}", "\\\\host\\{id}", "../{id}", "a/../../{id}",
        "{date}/..", "{id}\0", "a\0/{id}", "a\n/{id}", "..\\{id}", "%2e%2e/{id}", "\uff0e\uff0e/{id}", ".hidden/{id}",
        ".put-{id}", "{date}", "{id}/{date}", "{date}/file", "{date}/{id}{id}", "{id.__class__}", "{id!r}",
        "{id:>9999}", "{0}", "{}", "{password}/{id}", "{{id}}", "{id", "x" * 250 + "{id}",
        "/".join(["x"] * 90) + "/{id}", "x" * 60 + "/{camera}/{user}/{date}/{time}/{id}",
    ],
)  # fmt: skip
def test_a_template_that_leads_out_or_names_files_alike_is_refused(wrong: str) -> None:
    """C-12: absolute, climbing, NUL, what is no placeholder, no ``{id}`` in the name, too long for a key."""
    with pytest.raises(ValidationError) as refused:
        SessionSettings(path=wrong)
    assert refused.value.errors()[0]["loc"] == ("path",)


@given(
    st.text(st.sampled_from("ab-_./{}~\\\0 dateimcrus"), max_size=40) | st.text(max_size=40),
    SLUGS,
    st.text(max_size=80),
)
def test_whatever_template_is_taken_stays_below_its_root(path: str, camera: str, who: str) -> None:
    """C-12: whoever is recorded, of whatever camera."""
    try:
        taken = SessionSettings(path=f"{path}{{id}}").path
    except ValidationError:
        return
    key = keys.session(0, 2**31 - 1, UTC, 999, path=taken, camera=camera, user=2**31 - 1, user_name=who)
    assert keys.validate(key).startswith("sessions/")
    assert keys.is_session(key)
    assert SessionSettings(path=taken).path == taken
