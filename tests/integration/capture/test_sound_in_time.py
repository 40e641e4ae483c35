"""Sound whose time jumps is recorded beside the pictures it belongs to, whatever jumps with it, before it or alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_capture import run_session
from gatehouse_common.messages import GapCause
from gatehouse_common.observability.metrics import CAPTURE_SOUND_JUMPS
from gatehouse_common.testing.film import FilmSpec
from log_kit import logged
from run_kit import Fed, Says, fed

SPEC = FilmSpec(frames=200, gop=10, fps=10, width=160, height=96, audio=True)
LASTS_S = SPEC.frames / SPEC.fps
VIDEO, SOUND = 0, 1
HOUR_S = 3600.0


def jumping(track: int, at_s: float, by_s: float, until_s: float = 1e9) -> Says:
    return lambda due, of: due + (by_s if of == track and at_s <= due < until_s else 0)


def both(by_s: float, video_at_s: float, sound_at_s: float) -> Says:
    return lambda due, of: due + (by_s if due >= (video_at_s, sound_at_s)[of] else 0)


def play(film: Fed, says: Says, late_s: float = 0.0) -> None:
    for sample in film.samples:
        jitter = 0.05 if sample.track == VIDEO and sample.pts % 7 == 0 else 0.0
        film.send(sample, says, late_s=late_s + jitter)
    film.session.end(GapCause.SERVICE_DOWN)


def waiting(film: Fed) -> int:
    """How many packets of sound the recorder holds."""
    recorder = film.session._recorder
    return len(recorder._audio) if recorder else 0


@pytest.mark.parametrize(
    ("says", "apart_s"),
    [
        pytest.param(jumping(SOUND, 5, HOUR_S, 5.03), 0.001, id="one packet an hour ahead"),
        pytest.param(jumping(SOUND, 5, -HOUR_S, 5.03), 0.001, id="one packet an hour back"),
        pytest.param(jumping(SOUND, 5, HOUR_S), 0.08, id="sound ahead for good"),
        pytest.param(jumping(SOUND, 5, -HOUR_S), 0.08, id="sound back for good"),
        pytest.param(jumping(SOUND, 0, HOUR_S), 0.15, id="sound ahead from the beginning"),
        pytest.param(jumping(SOUND, 0, -HOUR_S), 0.15, id="sound back from the beginning"),
        pytest.param(jumping(VIDEO, 5, HOUR_S), 0.08, id="pictures ahead for good"),
        pytest.param(jumping(VIDEO, 5, -HOUR_S), 0.08, id="pictures back for good"),
        pytest.param(jumping(VIDEO, 5, HOUR_S, 9), 0.08, id="pictures ahead for a while"),
        pytest.param(both(HOUR_S, 5, 5.3), 0.08, id="both ahead, pictures first"),
        pytest.param(both(HOUR_S, 5.3, 5), 0.08, id="both ahead, sound first"),
        pytest.param(both(-HOUR_S, 5, 5.3), 0.08, id="both back, pictures first"),
        pytest.param(both(-HOUR_S, 5.3, 5), 0.08, id="both back, sound first"),
    ],
)
def test_sound_stays_beside_its_pictures(tmp_path: Path, says: Says, apart_s: float) -> None:
    with fed(tmp_path, SPEC) as film:
        play(film, says)
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    assert len(pictures) == SPEC.frames
    sent = sum(s.track == SOUND for s in film.samples)
    assert len(heard) > 0.97 * sent, "what lies about the jump and the border of runs may be missing"
    assert max(abs(wall - due) for due, wall in heard) < apart_s + 0.06


@pytest.mark.parametrize("first", [VIDEO, SOUND])
@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_what_jumps_alike_stays_as_it_was_to_each_other(tmp_path: Path, first: int, by_s: float) -> None:
    """Packets come up to a second late after the jump: by their arrival sound and picture would part."""
    says = both(by_s, 5 if first == VIDEO else 5.3, 5.3 if first == VIDEO else 5)
    with fed(tmp_path, SPEC) as film:
        for n, sample in enumerate(film.samples):
            due = film.seconds(sample)
            film.send(sample, says, late_s=(n * 37 % 10) / 10 if 4.9 < due < 7 else 0.0)
        film.session.end(GapCause.SERVICE_DOWN)
        pictures, heard = dict(film.found(VIDEO)), film.found(SOUND)
    # As the noise of one instant is found in one packet, each picture has its place against the sound around it.
    offsets = [wall - due for due, wall in pictures.items() if due > 9]
    sound = [wall - due for due, wall in heard if due > 9]
    assert max(offsets) - min(offsets) < 0.001
    assert max(abs(at - offsets[0]) for at in sound) < 0.001


@pytest.mark.parametrize("by_s", [-4.0, -3.0, -2.5, 2.5, 3.0, 4.0])
@pytest.mark.parametrize("before_s", [0.0, 0.05, 1.0], ids=["at once", "a packet before", "a second before"])
def test_a_small_step_that_both_make_parts_them_for_no_longer_than_it_takes(
    tmp_path: Path, by_s: float, before_s: float
) -> None:
    """The sound is still near the pictures when it steps, as if it alone had moved."""
    with fed(tmp_path, SPEC) as film:
        play(film, both(by_s, 6, 6 - before_s))
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    settled = 6 + abs(by_s)
    offset = next(wall - due for due, wall in pictures if due > settled)
    apart = [wall - due - offset for due, wall in heard if due > settled]
    assert len(apart) > 0.97 * sum(s.track == SOUND and film.seconds(s) > settled for s in film.samples)
    assert max(map(abs, apart)) < 0.06


@pytest.mark.parametrize("by_s", [-3600.0, -60.0, -10.0, 10.0, 60.0])
@pytest.mark.parametrize("silent", [(VIDEO,), (VIDEO, SOUND)], ids=["pictures pause", "both pause"])
@pytest.mark.parametrize("before_s", [0.0, 0.5], ids=["at once", "sound first"])
def test_a_step_beside_a_pause_parts_nothing(
    tmp_path: Path, by_s: float, silent: tuple[int, ...], before_s: float
) -> None:
    """A picture is handed on when the next begins: the last one before the pause comes as late as that lasts."""
    with fed(tmp_path, FilmSpec(frames=300, gop=10, fps=10, width=160, height=96, audio=True)) as film:
        seen = [s for s in film.samples if s.track not in silent or not 6 <= film.seconds(s) < 9]
        late = {id(s): 0.1 + (3 if 5.85 < film.seconds(s) < 6 else 0) for s in seen if s.track == VIDEO}
        for sample in sorted(seen, key=lambda s: film.seconds(s) + late.get(id(s), 0)):
            film.send(sample, both(by_s, 9, 9 - before_s), late_s=late.get(id(sample), 0))
        film.session.end(GapCause.SERVICE_DOWN)
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    offset = pictures[-1][1] - pictures[-1][0]
    apart = [wall - due - offset for due, wall in heard if due > 20]
    assert len(apart) > 400
    assert max(map(abs, apart)) < 0.06


@pytest.mark.parametrize("every_s", [4, 6, 10, 20])
def test_sound_between_pictures_that_are_far_apart_stays_where_it_is(tmp_path: Path, every_s: int) -> None:
    """A picture is handed on when the next one begins: the sound of meanwhile was there before."""
    slow = FilmSpec(frames=800, gop=1, fps=10, width=160, height=96, audio=True)
    counter = CAPTURE_SOUND_JUMPS.labels("cam")
    before = counter._value.get()
    with fed(tmp_path, slow) as film:
        seen = [s for s in film.samples if s.track == SOUND or round(film.seconds(s) * 10) % (every_s * 10) == 0]
        late = {VIDEO: float(every_s), SOUND: 0.0}
        for sample in sorted(seen, key=lambda s: film.seconds(s) + late[s.track]):
            film.send(sample, lambda due, _: due, late_s=late[sample.track])
        film.session.end(GapCause.SERVICE_DOWN)
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    assert len(pictures) == -(-80 // every_s)
    offset = pictures[0][1] - pictures[0][0]
    assert max(abs(wall - due - offset) for due, wall in heard) < 0.06
    between = [s for s in film.samples if s.track == SOUND and every_s <= film.seconds(s) < 80 - 2 * every_s]
    assert len([due for due, _ in heard if every_s <= due < 80 - 2 * every_s]) == len(between) > 100
    assert counter._value.get() == before


def test_sound_that_jumped_alone_takes_part_in_later_steps(tmp_path: Path) -> None:
    """Four steps back of a second each, of both, after the sound was put beside the pictures by a shift of its own."""

    def says(due: float, of: int) -> float:
        return due + (HOUR_S if of == SOUND and due >= 3 else 0) - max(0, min(4, int((due - 6) // 3 + 1)))

    with fed(tmp_path, FilmSpec(frames=500, gop=25, fps=25, width=160, height=96, audio=True)) as film:
        play(film, says)
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    offset = pictures[-1][1] - pictures[-1][0]
    assert max(abs(wall - due - offset) for due, wall in heard if due > 17) < 0.06


@pytest.mark.parametrize("by_s", [-3.0, -0.5, 0.5, 3.0])
def test_sound_that_a_sender_report_moves_a_little_is_where_that_says(tmp_path: Path, by_s: float) -> None:
    """Before the first one, sound and pictures each count from their own first packet."""
    with fed(tmp_path, SPEC) as film:
        play(film, jumping(SOUND, 0, by_s, 5))
        heard = film.found(SOUND)
    settled = [(due, wall) for due, wall in heard if due > 5 + 2 * abs(by_s)]
    assert len(settled) > 0.99 * sum(s.track == SOUND and film.seconds(s) > 5 + 2 * abs(by_s) for s in film.samples)
    assert max(abs(wall - due) for due, wall in settled) < 0.001


def test_odd_sound_is_told_once_counted_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = logged(monkeypatch, run_session).entries
    counter = CAPTURE_SOUND_JUMPS.labels("cam")
    before, most = counter._value.get(), 0
    with fed(tmp_path, SPEC) as film:
        for sample in film.samples:
            film.send(sample, jumping(SOUND, 5, HOUR_S, 5.03))
            most = max(most, waiting(film))
        film.session.end(GapCause.SERVICE_DOWN)
    assert [e["event"] for e in entries] == ["the time of the camera's sound jumped"]
    assert counter._value.get() - before == 2, "there and back"
    assert most < 50, "of a second at most"


def test_a_film_keeps_its_sound_around_a_time_that_is_odd(tmp_path: Path) -> None:
    """Arrival tells nothing of a film that is read faster than it plays."""
    with fed(tmp_path, SPEC) as film:
        film.session._times._live = film.session._sound._live = False
        play(film, jumping(SOUND, 5, HOUR_S, 5.03))
        heard = film.found(SOUND)
    sent = sum(s.track == SOUND for s in film.samples)
    assert sent - 5 < len(heard) < sent
    assert max(abs(wall - due) for due, wall in heard) < 0.06
