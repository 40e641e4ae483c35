"""``cut=smart`` keeps what was not asked for out of the file: its bytes, not only its presentation."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import av
import pytest

from gatehouse_common.media.slicing import slice_footage, smart_slice, split_footage
from gatehouse_common.media.virtual_file import ObjectRange
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, frame_numbers, luma, make_film
from gatehouse_common.testing.footage import Footage, record_footage
from gatehouse_common.testing.scenarios import START_US, shown_frames
from media_scenarios import check_exact, footage


def samples_within(recorded: Footage, piece: ObjectRange) -> set[int]:
    """Return the wall times of all video samples of which a byte lies in a range of a chunk file."""
    chunk = next(c for c in recorded.chunks if c.key == piece.key)
    video = chunk.video
    inside = (video.off < piece.offset + piece.length) & (video.off + video.size > piece.offset)
    return {chunk.wall_us(int(t)) for t in video.pts[inside]}


@pytest.mark.parametrize("name", ["h264", "b-frames", "h265 open gop", "vfr"])
def test_no_picture_from_before_lies_in_the_ranges_and_hardly_one_from_after(name: str) -> None:
    recorded = footage(name)
    for begin in (100_000, 1_234_567, 2_950_000, 4_000_001):
        start = recorded.start_us + begin
        end = start + 2_345_678
        piece = smart_slice(recorded.chunks, start, end, recorded.store)
        at: set[int] = set()
        for part in piece.file.pieces:
            if isinstance(part, ObjectRange):
                at |= samples_within(recorded, part)
        assert all(t >= piece.start_us for t in at)
        # With B-frames a shown picture may refer to some that come after the end.
        beyond = sorted(t for t in at if t >= end)
        assert len(beyond) <= (0 if name == "h264" else 4)


def test_films_apart_have_nothing_hidden_either() -> None:
    recorded = footage("gap, other sps and size")
    start, end = recorded.start_us + 1_234_567, recorded.end_us - 700_000
    piece = split_footage(recorded.chunks, start, end, "gate", recorded.store)
    numbers: list[int] = []
    with tarfile.open(fileobj=BytesIO(recorded.bytes_of(piece.file))) as archive:
        for member in archive.getmembers():
            film = archive.extractfile(member)
            assert film is not None
            data = film.read()
            shown = [n for n, _ in shown_frames(data)]
            assert frame_numbers(data, raw=True)[0][0] == shown[0]
            numbers += shown
    assert numbers == [f.number for f in recorded.shown(start, end)]


def test_the_same_cut_is_the_same_bytes() -> None:
    for name in ("b-frames", "h265 open gop"):
        recorded = footage(name)
        start = recorded.start_us + 1_234_567
        first, second = (smart_slice(recorded.chunks, start, start + 2_000_000, recorded.store) for _ in range(2))
        assert first.file.etag() == second.file.etag()
        assert recorded.bytes_of(first.file) == recorded.bytes_of(second.file)


def test_a_cut_at_a_keyframe_encodes_nothing() -> None:
    recorded = footage("no audio")
    start = recorded.runs[0].frames[60].at_us
    smart = smart_slice(recorded.chunks, start, start + 1_500_000, recorded.store)
    exact = slice_footage(recorded.chunks, start, start + 1_500_000)
    assert smart.file.etag() == exact.file.etag()


def test_a_range_inside_one_gop_is_encoded_whole() -> None:
    recorded = footage("b-frames")
    start = recorded.runs[0].frames[65].at_us
    piece = smart_slice(recorded.chunks, start, start + 500_000, recorded.store)
    check_exact(recorded, piece, start, start + 500_000)
    assert not any(isinstance(p, ObjectRange) for p in piece.file.pieces)


def test_an_open_gop_of_h264_is_left_at_an_idr_picture(tmp_path: Path) -> None:
    """A recovery point counts its pictures from what was before; copying may not begin there."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(width=320, height=180, frames=150, audio=True))
    opened = tmp_path / "open.mp4"
    _encode_with_open_gops(film, opened)
    recorded = record_footage(tmp_path / "data", [(opened, START_US)], chunk_us=2_000_000)
    assert sum(c.video.sync.sum() for c in recorded.chunks) > 3
    for begin in (200_000, 1_234_567, 2_500_000):
        start = recorded.start_us + begin
        piece = smart_slice(recorded.chunks, start, start + 1_700_000, recorded.store)
        check_exact(recorded, piece, start, start + 1_700_000)
        raw = frame_numbers(recorded.bytes_of(piece.file), raw=True)
        assert raw[0][0] == recorded.shown(start, start + 1)[0].number


def _encode_with_open_gops(film: Path, target: Path) -> None:
    with av.open(str(film)) as source, av.open(str(target), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.time_base = video.time_base
        stream.options = {
            "preset": "ultrafast",
            "x264-params": "open-gop=1:keyint=30:min-keyint=15:scenecut=0:bframes=3:b-adapt=0",
        }
        for frame in source.decode(video):
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_what_was_encoded_looks_like_what_was_recorded() -> None:
    """The first frame differs from the recorded one by less than one can see, in shade and in place."""
    recorded = footage("h265 open gop")
    start = recorded.start_us + 1_234_567
    pictures = []
    for piece in (
        slice_footage(recorded.chunks, start, start + 500_000),
        smart_slice(recorded.chunks, start, start + 500_000, recorded.store),
    ):
        path = recorded.root / "picture.mp4"
        path.write_bytes(recorded.bytes_of(piece.file))
        with av.open(str(path)) as container:
            pictures.append(luma(next(container.decode(video=0))).astype(int))
    assert barcode.read(pictures[0].astype("uint8")) == barcode.read(pictures[1].astype("uint8"))
    assert abs(pictures[0] - pictures[1]).mean() < 2


def test_h265_ends_its_encoded_pictures_as_a_sequence_of_their_own() -> None:
    """H.265 clause 7.4.2.4.4: else the picture order of the next CRA picture would go on from the encoder's."""
    recorded = footage("h265 open gop")
    start = recorded.start_us + 1_234_567
    own = smart_slice(recorded.chunks, start, start + 2_000_000, recorded.store).file.pieces[1]
    assert isinstance(own, bytes)
    assert own.count(b"\0\0\0\x02\x48\x01") == 1


def test_a_smart_cut_goes_over_gaps_and_into_other_codecs() -> None:
    recorded = footage("codec change")
    start, end = recorded.start_us + 1_234_567, recorded.end_us - 700_000
    piece = smart_slice(recorded.chunks, start, end, recorded.store)
    assert [n for n, _ in shown_frames(recorded.bytes_of(piece.file))] == [f.number for f in recorded.shown(start, end)]
    assert [c.codec[:4] for c in piece.codec_changes] == ["hvc1"]
