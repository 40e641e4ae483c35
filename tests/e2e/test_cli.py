"""The command line on recorded data: answers, and one clear line for every wrong request."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from films_on_disk import make_film
from running import COMMAND, Running, command, decode, environment, leftovers, recordings, us, wait_for

ONE_LINE = re.compile(r"gatehouse: [^\n]+\n")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About seven seconds of a camera called street, in chunks of two."""
    home = tmp_path_factory.mktemp("recorded")
    with Running(home / "data", "--camera", "street=synthetic:?size=320x240", log=home / "log") as gatehouse:
        gatehouse.ready()
        wait_for("footage", lambda: sum(b - a for a, b in gatehouse.ledger("street")[0]) > 6_000_000)
        assert gatehouse.stop() == 0
    return home / "data"


@pytest.fixture
def data(recorded: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(recorded, tmp_path / "data"))


def footage(data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return command("footage", "--data", str(data), *args)


def span(data: Path) -> tuple[float, float]:
    listed = json.loads((data / "recordings" / "recording_index.json").read_text())
    starts = sorted(us(entry["created_at"]) for entry in listed.values())
    return starts[0] / 1e6, starts[-1] / 1e6


def test_footage_of_a_range(data: Path, tmp_path: Path) -> None:
    start, _ = span(data)
    out = tmp_path / "out.mp4"
    run = footage(data, "street", f"{start + 1:.6f}", f"{start + 4:.6f}", "-o", str(out), "--json")
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["bytes"] == out.stat().st_size
    assert facts["gaps"] == []
    assert abs(decode(out) - 90) <= 1
    again = footage(data, "street", f"{start + 1:.6f}", f"{start + 4:.6f}", "-o", str(out))
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_coverage_of_cameras(data: Path) -> None:
    """S1-17: recorded and gaps are all there is, and the camera that records no more is in a gap that goes on."""
    start, _ = span(data)
    run = command("coverage", "--data", str(data), "--json")
    assert run.returncode == 0, run.stderr
    (found,) = json.loads(run.stdout)
    assert found["camera"] == "street"
    assert found["recorded_seconds"] > 6
    assert found["recorded_seconds"] + sum(found["gap_seconds"].values()) == pytest.approx(found["length_seconds"])
    within = ("--from", f"{start + 1:.6f}", "--to", f"{start + 4:.6f}")
    one = command("coverage", "street", *within, "--data", str(data))
    assert one.stdout == "street: 100 % recorded of 3.0 s, no gap\n"
    before = command(
        "coverage", "street", "--from", f"{start - 60:.6f}", "--to", f"{start + 1:.6f}", "--data", str(data)
    )
    assert "service down" in before.stdout or "camera offline" in before.stdout
    for wrong in (("nobody",), ("--from", "2024-01-02", "--to", "2024-01-01"), ("--from", "soon")):
        refused = command("coverage", *wrong, "--data", str(data))
        assert refused.returncode == 2
        assert ONE_LINE.fullmatch(refused.stderr)


@pytest.mark.parametrize(
    ("name", "options", "codecs"),
    [
        ("out.mkv", (), "h264"),
        ("out.webm", (), "vp9"),
        ("out.mp4", ("--codec", "h264"), "h264"),
        ("no ending", ("--format", "webm"), "vp9"),
    ],
)
def test_footage_as_another_kind_of_file(
    data: Path, tmp_path: Path, name: str, options: tuple[str, ...], codecs: str
) -> None:
    """S1-14: by the file's ending or by what is asked for; every frame of the range, and its own length told."""
    start, _ = span(data)
    out = tmp_path / name
    wanted = ("street", f"{start + 1:.6f}", f"{start + 3:.6f}", "-o", str(out), *options)
    run = footage(data, *wanted, "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["bytes"] == out.stat().st_size
    assert abs(decode(out) - 60) <= 1
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", str(out)]
    assert subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip() == codecs
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [name]


def test_another_kind_of_file_goes_to_standard_output(data: Path, tmp_path: Path) -> None:
    start, _ = span(data)
    wanted = ("street", f"{start + 1:.6f}", f"{start + 3:.6f}", "-o", "-", "--format", "mkv")
    run = subprocess.run(
        [COMMAND, "footage", "--data", str(data), *wanted], capture_output=True, env=environment(), check=True
    )
    out = tmp_path / "piped.mkv"
    out.write_bytes(run.stdout)
    assert abs(decode(out) - 60) <= 1


def test_footage_of_formats_that_do_not_go_together(data: Path, tmp_path: Path) -> None:
    start, _ = span(data)
    wanted = ("street", f"{start + 1:.6f}", f"{start + 3:.6f}", "-o", str(tmp_path / "out.webm"))
    for options in (("--codec", "h264"), ("--gaps", "split")):
        run = footage(data, *wanted, *options)
        assert run.returncode == 2
        assert ONE_LINE.fullmatch(run.stderr)
        assert list(tmp_path.glob("out*")) == []


def test_footage_to_standard_output_is_the_same_bytes(data: Path, tmp_path: Path) -> None:
    start, _ = span(data)
    wanted = ["street", f"{start + 1:.6f}", f"{start + 3:.6f}"]
    out = tmp_path / "out.mp4"
    assert footage(data, *wanted, "-o", str(out)).returncode == 0
    piped = subprocess.run(
        [COMMAND, "footage", "--data", str(data), *wanted, "-o", "-"],
        capture_output=True,
        check=True,
        env=environment(),
    )
    assert piped.stdout == out.read_bytes()


@pytest.mark.parametrize(
    ("camera", "start", "end", "says"),
    [
        ("nobody", "20240517_102300", "20240517_102318", "no camera 'nobody'"),
        ("../../etc", "20240517_102300", "20240517_102318", "no camera"),
        ("street", "yesterday", "20240517_102318", "FROM 'yesterday' is not a time"),
        ("street", "20240517_102300", "20240532_102318", "TO '20240532_102318' is not a time"),
        ("street", "20240517_102318", "20240517_102300", "must be after FROM"),
        ("street", "20240517_102300", "20240517_102300", "must be after FROM"),
        ("street", "20240517_102300", "20240517_102318", "footage after it begins at"),
        ("street", "2400-01-01T00:00:00Z", "2400-01-01T00:01:00Z", "in the future"),
        ("street", "20240517_102300", "20240617_102300", "at most"),
    ],
)
def test_a_wrong_range_is_one_line_and_exit_2(
    recorded: Path, tmp_path: Path, camera: str, start: str, end: str, says: str
) -> None:
    run = footage(recorded, camera, start, end, "-o", str(tmp_path / "out.mp4"))
    assert run.returncode == 2
    assert ONE_LINE.fullmatch(run.stderr), run.stderr
    assert says in run.stderr
    assert not list(tmp_path.glob("out*"))


def test_a_corrupted_chunk_is_told(data: Path, tmp_path: Path) -> None:
    """The rest of the footage is still there, and `check --repair` sets the damaged file aside."""
    start, last = span(data)
    broken = recordings(data)[1]
    broken.write_bytes(broken.read_bytes()[:3000])
    run = footage(data, "street", f"{start + 1:.6f}", f"{last:.6f}", "-o", str(tmp_path / "out.mp4"))
    assert run.returncode == 2
    assert ONE_LINE.fullmatch(run.stderr)
    assert broken.name in run.stderr
    assert not list(tmp_path.glob("out*"))
    found = command("check", "--json", "--data", str(data))
    assert found.returncode == 1
    assert [p["kind"] for p in json.loads(found.stdout)["problems"]] == ["truncated"]
    assert command("check", "--repair", "--data", str(data)).returncode == 0
    assert command("check", "--data", str(data)).returncode == 0
    run = footage(data, "street", f"{start + 1:.6f}", f"{last:.6f}", "-o", str(tmp_path / "out.mp4"), "--json")
    assert run.returncode == 0
    assert len(json.loads(run.stdout)["gaps"]) == 1


def test_no_data_directory_is_told_and_none_is_made(tmp_path: Path) -> None:
    for args in (
        ["footage", "street", "20240517_102300", "20240517_102318", "-o", "x.mp4"],
        ["check"],
        ["db", "current"],
    ):
        run = command(*args, "--data", str(tmp_path / "none"))
        assert run.returncode == 2
        assert ONE_LINE.fullmatch(run.stderr)
    assert not (tmp_path / "none").exists()


def test_check_finds_each_kind_of_difference_and_repair_deletes_nothing(data: Path) -> None:
    """S2-44"""
    files = recordings(data)
    missing, copied, wiped = files[0], files[1], files[2]
    contents = {file: file.read_bytes() for file in files}
    missing.unlink()
    shutil.copy(copied, copied.with_name("recording_20200101_000000.mp4"))
    wiped.write_bytes(bytes(len(contents[wiped])))
    found = json.loads(command("check", "--json", "--data", str(data)).stdout)["problems"]
    assert sorted(p["kind"] for p in found) == ["damaged", "duplicate", "missing"]
    assert command("check", "--repair", "--data", str(data)).returncode == 0
    assert command("check", "--data", str(data)).returncode == 0
    aside = [p.read_bytes() for p in (data / "quarantine").iterdir() if p.suffix == ".mp4"]
    assert sorted(aside, key=len) == sorted([contents[copied], bytes(len(contents[wiped]))], key=len)
    reasons = [p.read_text() for p in (data / "quarantine").glob("*.reason.txt")]
    assert len(reasons) == 2


def test_repair_does_not_believe_that_everything_is_gone(data: Path) -> None:
    """S2-44: a store that is not mounted empties no index."""
    if len(recordings(data)) <= 3:
        pytest.fail("the recording has too few chunks for this test")
    shutil.move(data / "recordings", data / "elsewhere")
    refused = command("check", "--repair", "--data", str(data))
    assert refused.returncode == 2
    assert "mounted?" in refused.stderr
    shutil.move(data / "elsewhere", data / "recordings")
    assert command("check", "--data", str(data)).returncode == 0


def test_a_lost_index_is_made_anew_from_the_files(data: Path, tmp_path: Path) -> None:
    start, last = span(data)
    wanted = ["street", f"{start + 0.5:.6f}", f"{last:.6f}"]
    assert footage(data, *wanted, "-o", str(tmp_path / "before.mp4")).returncode == 0
    for part in data.glob("gatehouse.db*"):
        part.unlink()
    repaired = command("check", "--repair", "--data", str(data))
    assert repaired.returncode == 0, repaired.stderr
    assert command("check", "--data", str(data)).returncode == 0
    assert footage(data, *wanted, "-o", str(tmp_path / "after.mp4")).returncode == 0
    assert (tmp_path / "after.mp4").read_bytes() == (tmp_path / "before.mp4").read_bytes()


def test_recordings_of_an_older_index_are_imported_once(recorded: Path, tmp_path: Path) -> None:
    """S1-16: an existing recording_index.json; files of ours and films of others."""
    data = tmp_path / "data"
    old = tmp_path / "old" / "recordings"
    old.mkdir(parents=True)
    film = make_film(old / "recording_20240517_102300.mp4", seconds=3)
    own = shutil.copy(recordings(recorded)[1], old / "own.mp4")
    (old / "rubbish.mp4").write_bytes(b"no film")
    listed = {
        "recording_20240517_102300.mp4": ("20240517_102300", "20240517_102303"),
        "own.mp4": ("20240518_102300", "20240518_102302"),
        "rubbish.mp4": ("20240519_102300", "20240519_102302"),
    }
    index = old / "recording_index.json"
    index.write_text(
        json.dumps(
            {
                name: {
                    "file_path": f"recordings/{name}",
                    "start_time": a,
                    "end_time": b,
                    "file_size": 1,
                    "created_at": "2024-05-17T10:23:00",
                }
                for name, (a, b) in listed.items()
            }
        )
    )
    for _ in range(2):
        run = command("db", "import-recording-index", str(index), "--camera", "old", "--json", "--data", str(data))
        assert run.returncode == 1
        told = json.loads(run.stdout)
        assert told["imported"] == 2
        assert list(told["failed"]) == ["rubbish.mp4"]
        assert command("check", "--data", str(data)).returncode == 0
        assert sum(decode(file) for file in recordings(data)) == decode(Path(own)) + decode(film)
    out = tmp_path / "out.mp4"
    got = footage(data, "old", "20240517_102301", "20240517_102302", "-o", str(out))
    assert got.returncode == 0, got.stderr
    assert abs(decode(out) - 25) <= 1


def test_settings_of_a_camera_alone_are_changed_one_by_one(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert command("camera", "add", "gate", "synthetic:", *data).returncode == 0
    mask = [[[0, 0], [1, 0], [1, 0.3], [0, 0.3]]]
    set_ = ("plates.threshold=0.6", "plates.region=eu", "keep=events", f"plates.masks={json.dumps(mask)}")
    assert command("camera", "set", "gate", *set_, *data).returncode == 0
    assert command("camera", "set", "gate", "plates.enabled=false", "keep=null", *data).returncode == 0
    (listed,) = json.loads(command("camera", "list", "--json", *data).stdout)
    plates = {"threshold": 0.6, "region": "eu", "masks": mask, "enabled": False}
    assert listed["settings"] == {"plates": plates}
    for wrong, told in (
        ("plates.threshold=2", "plates.threshold"),
        ("plates.speed=9", "plates.speed"),
        ("plates.masks=[[[0,0],[1,0]]]", "plates.masks"),
        ("plates.masks=[[[0,0],[1,0],[2,0]]]", "plates.masks"),
        ("keep=some", "keep"),
        ("keep", "NAME=VALUE"),
    ):
        refused = command("camera", "set", "gate", wrong, *data)
        assert refused.returncode == 2
        assert ONE_LINE.fullmatch(refused.stderr)
        assert told in refused.stderr
    assert command("camera", "set", "nobody", "keep=all", *data).returncode == 2
    assert json.loads(command("camera", "list", "--json", *data).stdout) == [listed]


def test_cameras_are_added_listed_and_removed(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert command("camera", "add", "gate", "rtsp://user:hunter22@127.0.0.1:9/1", *data).returncode == 0
    listed = command("camera", "list", "--json", *data)
    assert "hunter22" not in listed.stdout
    assert [c["id"] for c in json.loads(listed.stdout)] == ["gate"]
    odd = "http://127.0.0.1:9/v.cgi?loginuse=admin&loginpas=hunter22&channel=1"
    assert command("camera", "add", "odd", odd, *data).returncode == 0
    for args in (["list"], ["list", "--json"], ["probe", "odd"], ["add", "odd", odd], ["add", "Odd", odd]):
        told = command("camera", *args, *data)
        assert "hunter22" not in told.stdout + told.stderr
    assert "loginpas=***&channel=1" in command("camera", "list", *data).stdout
    again = command("camera", "add", "gate", "synthetic:", "--if-missing", *data)
    assert (again.returncode, again.stdout) == (0, "Camera gate is there already.\n")
    assert "rtsp://" in command("camera", "list", *data).stdout
    twice = command("camera", "add", "gate", "synthetic:", *data)
    assert (twice.returncode, "already" in twice.stderr) == (2, True)
    looked = command("camera", "probe", "gate", *data)
    assert looked.returncode == 2
    assert ONE_LINE.fullmatch(looked.stderr)
    assert "hunter22" not in looked.stderr
    assert command("camera", "remove", "gate", *data).returncode == 0
    gone = command("camera", "remove", "gate", *data)
    assert (gone.returncode, "no camera 'gate'" in gone.stderr) == (2, True)


def test_a_camera_that_is_added_once_does_not_come_back_when_it_was_removed(tmp_path: Path) -> None:
    """What adds the camera of a demo is run again with every start and every upgrade."""
    once = ("camera", "add", "demo", "synthetic:", "--once", "--data")

    def cameras(data: Path) -> list[str]:
        return [c["id"] for c in json.loads(command("camera", "list", "--json", "--data", str(data)).stdout)]

    first, second = tmp_path / "first", tmp_path / "second"
    for _ in range(2):
        assert command(*once, str(first)).returncode == 0
        assert cameras(first) == ["demo"]
    assert command("camera", "remove", "demo", "--data", str(first)).returncode == 0
    told = command(*once, str(first))
    assert (told.returncode, "is not added" in told.stdout) == (0, True)
    assert cameras(first) == []
    assert command("camera", "add", "gate", "rtsp://127.0.0.1:9/1", "--data", str(second)).returncode == 0
    assert command(*once, str(second)).returncode == 0
    assert command("camera", "remove", "gate", "--data", str(second)).returncode == 0
    assert command(*once, str(second)).returncode == 0
    assert cameras(second) == []


def test_a_running_gatehouse_follows_cameras_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    where = ["--data", str(data)]
    with Running(data, log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        assert command("camera", "add", "late", "synthetic:?size=320x240", *where).returncode == 0
        gatehouse.recording("late", timeout=4)
        assert command("camera", "disable", "late", *where).returncode == 0
        wait_for("its last chunk", lambda: not leftovers(data), 4)
        assert gatehouse.camera("late")["state"] == "disabled"
        listed = json.loads(command("camera", "list", "--json", *where).stdout)
        assert [c["enabled"] for c in listed] == [False]
        assert command("camera", "enable", "late", *where).returncode == 0
        wait_for("footage", lambda: leftovers(data), 4)
        assert command("camera", "remove", "late", *where).returncode == 0
        wait_for("its last chunk", lambda: not leftovers(data), 4)
        assert gatehouse.stop() == 0
    gone = command("camera", "disable", "late", *where)
    assert (gone.returncode, "no camera 'late'" in gone.stderr) == (2, True)


def test_probe_tells_what_a_source_sends_and_what_is_no_video(tmp_path: Path) -> None:
    seen = command("camera", "probe", "synthetic:?size=320x240&fps=25", "--seconds", "1", "--json")
    assert seen.returncode == 0
    assert json.loads(seen.stdout)["width"] == 320
    text = tmp_path / "text.mp4"
    text.write_text("no video in here")
    run = command("camera", "probe", f"file://{text}")
    assert run.returncode == 2
    assert ONE_LINE.fullmatch(run.stderr)


def test_doctor_answers_every_question(tmp_path: Path) -> None:
    run = command("doctor", "--json", "--data", str(tmp_path / "data"), GATEHOUSE_API__PORT="0")
    answers = {f["question"]: f["outcome"] for f in json.loads(run.stdout)}
    assert run.returncode == 0, run.stdout
    assert set(answers) == {"python", "codecs", "ffmpeg", "running", "room", "data directory", "port", "database"}
    assert "wrong" not in answers.values()
    assert not (tmp_path / "data").exists()


def test_settings_show_their_sources_and_hide_secrets(tmp_path: Path) -> None:
    """S0-40"""
    file = tmp_path / "own.toml"
    file.write_text("timezone = 'Europe/Berlin'\n[api]\nport = 5050\n")
    run = command("config", "show", "--json", "--config", str(file), GATEHOUSE_API__PORT="6060")
    shown = json.loads(run.stdout)
    assert shown["timezone"] == {"value": "Europe/Berlin", "source": str(file)}
    assert shown["api.port"] == {"value": 6060, "source": "environment"}
    assert shown["data_dir"]["source"] == "default"
    wrong = command("config", "show", GATEHOUSE_API__PROT="1")
    assert wrong.returncode == 2
    assert "PROT" in wrong.stderr.upper()


@pytest.mark.parametrize("services", [["indexer"], ["capture", "segmenter", "indexer", "api"], ["nothing"]])
def test_services_apart_need_a_broker(services: list[str]) -> None:
    run = command("run", *services)
    assert run.returncode == 2
    assert ONE_LINE.fullmatch(run.stderr)


def test_the_document_of_the_api_is_printed(tmp_path: Path) -> None:
    """C-3: without a server, and whoever asks; compat routes are marked in it."""
    run = command("openapi", GATEHOUSE_DATA_DIR=str(tmp_path / "none"))
    assert run.returncode == 0
    document = json.loads(run.stdout)
    assert document["openapi"].startswith("3.1")
    assert document["paths"]["/api/start-recording"]["post"]["deprecated"]
    assert "deprecated" not in document["paths"]["/api/v1/footage"]["get"]
    assert not (tmp_path / "none").exists()


def test_help_names_every_command() -> None:
    run = command("--help")
    assert run.returncode == 0
    accounts = ("user", "token", "audit")
    for name in ("up", "camera", "footage", "check", *accounts, "doctor", "db", "config", "openapi", "run"):
        assert f"  {name} " in run.stdout
    assert command("fotage").returncode == 2
