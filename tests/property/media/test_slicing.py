"""Every slice shows exactly the frames it should, by the numbers burned into them (S1-10, S1-11, S1-13)."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import av
import numpy as np
import pytest

import media_kit
from gatehouse_common.errors import NotFound
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice, split_footage
from gatehouse_common.testing.film import FilmSpec, frame_numbers
from media_kit import FILMS, Recorded, record

GAP_US = 15_000_000


def read(piece: Slice, camera: Recorded) -> bytes:
    data = b"".join(piece.file.read(camera.store))
    assert len(data) == piece.file.size
    return data


def decodes_cleanly(data: bytes, path: Path) -> None:
    """Decode with the ffmpeg program, which is not ours."""
    path.write_bytes(data)
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""


@pytest.fixture(scope="module", params=FILMS)
def camera(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three chunks, a gap, three chunks."""
    spec = FILMS[request.param]
    later = FilmSpec(**{**{f: getattr(spec, f) for f in spec.__slots__}, "first": 1000})
    return record(tmp_path_factory.mktemp(request.param), (spec, 0), (later, GAP_US + 3_700_000))


def test_random_ranges_are_exact_at_both_ends(camera: Recorded, tmp_path: Path) -> None:
    """S1-10, S1-11: over chunks and a gap, with the first and last frame right."""
    for start, end in camera.random_ranges(12, seed=3):
        try:
            piece = slice_footage(camera.chunks, start, end)
        except NotFound:
            assert camera.expected(start, end) == []
            continue
        data = read(piece, camera)
        shown = [number for number, _ in frame_numbers(data)]
        assert shown == camera.expected(start, end), (start - media_kit.START_US, end - start)
        assert piece.frames == len(shown)
        decodes_cleanly(data, tmp_path / "slice.mp4")


def test_smart_cuts_hold_no_hidden_frame_before_the_first(camera: Recorded, tmp_path: Path) -> None:
    for start, end in camera.random_ranges(4, seed=5):
        wanted = camera.expected(start, end)
        if not wanted:
            continue
        data = read(smart_slice(camera.chunks, start, end, camera.store), camera)
        assert [number for number, _ in frame_numbers(data)] == wanted
        assert frame_numbers(data, raw=True)[0][0] == wanted[0]
        decodes_cleanly(data, tmp_path / "smart.mp4")


def test_a_slice_is_the_same_bytes_every_time(camera: Recorded) -> None:
    start, end = media_kit.START_US + 1_234_567, media_kit.START_US + 9_000_000
    first, again = (slice_footage(c, start, end) for c in (camera.chunks, camera.chunks[::-1]))
    assert first.file.etag() == again.file.etag()
    assert read(first, camera) == read(again, camera)
    smart = [smart_slice(camera.chunks, start, end, camera.store).file.etag() for _ in range(2)]
    assert smart[0] == smart[1] != first.file.etag()


def test_the_gap_is_told_and_held_or_skipped(camera: Recorded) -> None:
    """S1-13: the clip stays true to the clock over a gap, or leaves it out."""
    (_, gap_start), (gap_end, _) = camera.spans
    start, end = int(gap_start) - 2_000_000, int(gap_end) + 2_000_000
    kept = slice_footage(camera.chunks, start, end)
    assert [(abs(g.start - gap_start) < 2, abs(g.end - gap_end) < 2) for g in kept.gaps] == [(True, True)]
    times = [at for _, at in frame_numbers(read(kept, camera))]
    assert times[-1] - times[0] == pytest.approx(
        float(max(at for _, at in camera.shown if at < end) - camera.shown[0][1]) / 1e6
        - (kept.start_us - media_kit.START_US) / 1e6,
        abs=0.002,
    )
    skipped = slice_footage(camera.chunks, start, end, gaps="skip")
    shown = frame_numbers(read(skipped, camera))
    assert [n for n, _ in shown] == camera.expected(start, end)
    assert shown[-1][1] - shown[0][1] < 6


def test_split_is_a_tar_of_one_film_per_span(camera: Recorded) -> None:
    (_, gap_start), (gap_end, _) = camera.spans
    start, end = int(gap_start) - 1_000_000, int(gap_end) + 1_000_000
    piece = split_footage(camera.chunks, start, end, "gate")
    with tarfile.open(fileobj=io.BytesIO(read(piece, camera))) as archive:
        names = archive.getnames()
        films = [archive.extractfile(name) for name in names]
        numbers = [[n for n, _ in frame_numbers(f.read())] for f in films if f]
    assert len(names) == 2
    assert all(name.startswith("gate_2024") and name.endswith(".mp4") for name in names)
    assert numbers[0] + numbers[1] == camera.expected(start, end)
    assert numbers[1][0] == 1000


def test_nothing_recorded_is_not_found(camera: Recorded) -> None:
    (_, gap_start), _ = camera.spans
    for start in (int(gap_start) + 1_000_000, media_kit.START_US - 50_000_000):
        with pytest.raises(NotFound):
            slice_footage(camera.chunks, start, start + 500_000)


def test_other_sizes_and_settings_share_one_track(tmp_path: Path) -> None:
    """A camera that comes back with another picture size plays on in the same file."""
    camera = record(
        tmp_path, (FilmSpec(frames=60), 0), (FilmSpec(frames=60, width=320, height=180, bframes=2), 3_000_000)
    )
    start, end = media_kit.START_US + 500_000, media_kit.START_US + 4_500_000
    data = read(slice_footage(camera.chunks, start, end), camera)
    assert data.count(b"trak") == 1
    assert [n for n, _ in frame_numbers(data)] == camera.expected(start, end)
    decodes_cleanly(data, tmp_path / "x.mp4")


def test_another_codec_goes_on_in_a_track_of_its_own(tmp_path: Path) -> None:
    camera = record(tmp_path, (FilmSpec(frames=60), 0), (FilmSpec(frames=60, codec="hevc", first=500), 2_500_000))
    start, end = media_kit.START_US + 500_000, media_kit.START_US + 4_000_000
    piece = slice_footage(camera.chunks, start, end)
    data = read(piece, camera)
    assert [(c.codec[:4], c.at_us) for c in piece.codec_changes] == [("hvc1", media_kit.START_US + 2_500_000)]
    path = tmp_path / "two.mp4"
    decodes_cleanly(data, path)
    expected = camera.expected(start, end)
    assert [n for n, _ in frame_numbers(data)] == [n for n in expected if n < 500]
    second = tmp_path / "second.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v:1", "-c", "copy", second], check=True)
    assert [n for n, _ in frame_numbers(second)] == [n for n in expected if n >= 500]


def test_a_codec_that_comes_back_goes_on_in_its_track(tmp_path: Path) -> None:
    """Its last picture stays until then, and no picture is shown twice."""
    runs = ((FilmSpec(frames=60), 0), (FilmSpec(frames=60, codec="hevc", first=500), 2_500_000))
    camera = record(tmp_path, *runs, (FilmSpec(frames=60, first=1000), 5_000_000))
    piece = slice_footage(camera.chunks, media_kit.START_US + 500_000, media_kit.START_US + 7_000_000)
    shown = frame_numbers(read(piece, camera))
    assert [n for n, _ in shown] == [*range(15, 60), *range(1000, 1060)]
    assert [at for _, at in shown[44:46]] == pytest.approx([44 / 30, 4.5], abs=1e-4)
    assert [c.codec[:4] for c in piece.codec_changes] == ["hvc1", "avc1"]


def test_sound_is_where_the_picture_is(tmp_path: Path) -> None:
    """The noise of a slice is found in the film's own noise at the same distance from the picture, to 1 ms."""
    spec = FILMS["b-frames"]
    camera = record(tmp_path, (spec, 0))

    def sound(source: object) -> tuple[float, np.ndarray]:
        with av.open(source, "r") as container:
            frames = list(container.decode(audio=0))
        return float(frames[0].pts * frames[0].time_base), np.concatenate([f.to_ndarray()[0] for f in frames])

    whole_at, whole = sound(str(media_kit.film(spec)))
    picture_at = frame_numbers(media_kit.film(spec))[0][1]
    for start, end in ((2_345_678, 5_000_000), (4_999_999, 8_500_000)):
        piece = slice_footage(camera.chunks, media_kit.START_US + start, media_kit.START_US + end)
        at, part = sound(io.BytesIO(read(piece, camera)))
        window = part[4800 : 4800 + 24_000]
        expected = picture_at + (piece.start_us - media_kit.START_US) / 1e6 + at - whole_at + 0.1
        low = round(expected * 48_000) - 4800
        searched = whole[low : low + 24_000 + 9600]
        size = len(searched) + len(window)
        match = np.fft.irfft(np.fft.rfft(searched, size) * np.conj(np.fft.rfft(window, size)))
        assert abs(int(np.argmax(match[:9601])) - 4800) <= 48


def test_slices_reach_the_live_edge_of_an_open_chunk(tmp_path: Path) -> None:
    """S1-11: the chunk that is being written is sliced up to its last whole part."""
    camera = record(tmp_path, (FilmSpec(frames=200), 0), leave_open=True)
    edge = camera.chunks[-1].end_us
    assert edge < media_kit.START_US + 200 * 1_000_000 // 30
    piece = slice_footage(camera.chunks, edge - 3_000_000, edge + 60_000_000)
    shown = [n for n, _ in frame_numbers(read(piece, camera))]
    assert shown == camera.expected(edge - 3_000_000, edge + 60_000_000)
    assert piece.end_us == edge
