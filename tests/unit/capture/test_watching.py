"""The parts of watching a camera that need no pictures: sizes, areas, regions, turns, what is held and what waits."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_capture.watching.area import Area, rasterise
from gatehouse_capture.watching.backlog import Backlog, Kind, Run
from gatehouse_capture.watching.held import HeldGops
from gatehouse_capture.watching.regions import LEAST_CELLS, groups, regions
from gatehouse_capture.watching.scene import Scene
from gatehouse_capture.watching.sizes import SizeWatch
from gatehouse_capture.watching.turns import Turns
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.samples import TrackFormat
from watch_kit import shed

STEP = 3000
HD = 1920 * 1080


def feed(watch: SizeWatch, sizes: list[int], *, gop: int = 60, first: int = 0) -> list[int]:
    """Return the places at which something seems to move."""
    told = []
    for place, size in enumerate(sizes, first):
        sync = place % gop == 0
        if watch.take(place * STEP, place * STEP, 150_000 if sync else size, sync=sync, learn=True):
            told.append(place)
    return told


def idle(count: int, mean: float = 1000, share: float = 0.12, seed: int = 1) -> list[int]:
    return [round(x) for x in np.random.default_rng(seed).normal(mean, mean * share, count).clip(mean / 3)]


def test_sizes_tell_of_what_comes_within_some_pictures_and_of_nothing_else() -> None:
    watch = SizeWatch(HD)
    assert feed(watch, idle(60 * 60)) == []
    assert watch.trusted
    told = feed(watch, [size + 700 for size in idle(40, seed=2)], first=3600)
    assert told
    assert told[0] < 3600 + 10


def test_little_for_long_tells_as_much_as_much_at_once() -> None:
    watch = SizeWatch(HD)
    feed(watch, idle(3000))
    assert feed(watch, [size + 320 for size in idle(60, seed=3)], first=3000)


def test_sizes_that_waver_are_not_trusted_and_false_alarms_cost_trust() -> None:
    filled = SizeWatch(HD)
    feed(filled, idle(600, mean=15_000, share=0.3))
    assert not filled.trusted
    watch = SizeWatch(HD)
    feed(watch, idle(600))
    assert watch.trusted
    watch.false_alarm()
    assert not watch.trusted
    before = feed(watch, [size + 450 for size in idle(8, seed=4)], first=600)
    assert before == []
    feed(watch, idle(16 * 30), first=700)
    assert watch.trusted


def test_another_bit_rate_becomes_what_is_usual() -> None:
    watch = SizeWatch(HD)
    feed(watch, idle(600))
    assert feed(watch, idle(600, mean=3000), first=600)
    assert feed(watch, idle(600, mean=3000, seed=5), first=1200) == []


@pytest.mark.parametrize(("width", "height"), [(240, 135), (80, 45), (7, 5)])
def test_polygons_hide_the_cells_whose_centres_they_hold(width: int, height: int) -> None:
    half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    found = rasterise([half], width, height)
    centres = (np.arange(width) + 0.5) / width < 0.5
    assert (found == centres[None, :]).all()
    area = Area(masks=(half,), zones=(((0, 0), (1, 0), (1, 0.5), (0, 0.5)),))
    rows = (np.arange(height) + 0.5) / height < 0.5
    assert (area.visible(width, height) == (rows[:, None] & ~centres[None, :])).all()
    assert not area.everything
    assert Area().visible(width, height).all()
    assert Area(masks=(half,)) == Area(masks=(half,))


boxes = st.lists(
    st.tuples(st.integers(0, 230), st.integers(0, 125), st.integers(1, 60), st.integers(1, 40)), max_size=9
)


@settings(deadline=None)
@given(boxes, st.sampled_from([(1920, 1080), (1279, 719), (640, 360)]))
def test_regions_hold_all_that_moves_are_even_and_apart(
    placed: list[tuple[int, int, int, int]], size: tuple[int, int]
) -> None:
    width, height = size
    mask = np.zeros((135, 240), bool)
    for x, y, w, h in placed:
        mask[y : y + h, x : x + w] = True
    found = regions(mask, mask, width, height)
    assert len(found) <= 4
    for one in found:
        assert one.x % 2 == one.y % 2 == one.width % 2 == one.height % 2 == 0
        assert one.x >= 0
        assert one.y >= 0
        assert one.right <= width
        assert one.bottom <= height
        assert not any(one.touches(other) for other in found if other is not one)
    for left, top, right, bottom in groups(mask):
        px = left * width // 240, top * height // 135, right * width // 240, bottom * height // 135
        assert any(r.x <= px[0] and r.y <= px[1] and r.right >= px[2] - 1 and r.bottom >= px[3] - 1 for r in found)


def test_nearly_all_of_a_picture_of_odd_size_is_what_can_be_cut_out_of_it() -> None:
    everything = np.ones((135, 240), bool)
    (one,) = regions(everything, everything, 1279, 719)
    assert (one.x, one.y, one.width, one.height) == (0, 0, 1278, 718)


def test_what_does_not_move_is_no_region_and_what_hangs_together_is_one() -> None:
    mask = np.zeros((135, 240), bool)
    mask[20:40, 20:60] = mask[80:100, 150:200] = True
    seeds = np.zeros_like(mask)
    seeds[20:40, 20:22] = True
    (one,) = regions(mask, seeds, 1920, 1080)
    assert one.x <= 160
    assert one.right >= 480
    few = np.zeros_like(mask)
    few[50, 50 : 50 + LEAST_CELLS - 1] = True
    assert regions(few, few, 1920, 1080) == []


def test_a_change_of_light_is_no_movement_and_what_has_settled_is_the_scene() -> None:
    rng = np.random.default_rng(1)
    ground = rng.uniform(60, 180, (135, 240)).astype(np.float32)
    everywhere = np.ones(ground.shape, bool)
    scene = Scene()
    scene.settle(ground)
    assert not scene.changed(ground + 25, everywhere).any()
    thing = ground.copy()
    thing[40:60, 40:80] += 40
    assert scene.changed(thing, everywhere).sum() == 800
    scene.settle(thing)
    assert not scene.changed(thing, everywhere).any()


def sample(place: int, *, gop: int = 60, size: int = 100) -> TimedSample:
    return TimedSample(place * STEP, 0, STEP, place % gop == 0, bytes(size))


def test_held_gops_begin_with_a_keyframe_and_are_bounded() -> None:
    held = HeldGops()
    held.add(sample(5))
    assert held.since(0) == [], "it cannot be decoded"
    for place in range(60, 200):
        held.add(sample(place))
    assert held.since(0)[0].dts == 60 * STEP
    assert held.since(150 * STEP)[0].dts == 120 * STEP
    assert len(held.since(150 * STEP)) == 80
    held.let_go(120 * STEP)
    assert held.since(0)[0].dts == 120 * STEP
    held.let_go(999 * STEP)
    assert held.since(0)[0].dts == 180 * STEP, "the current one stays"
    for place in range(240, 300):
        held.add(sample(place, size=1 << 20))
    assert sum(len(one.data) for one in held.since(0)) <= 24 << 20


def test_what_waits_is_thinned_out_to_keyframes_and_counted() -> None:
    backlog = Backlog("thin", lambda: 5.0)
    backlog.follow([sample(0)])
    for place in range(1, 400):
        backlog.more(sample(place))
    assert len(backlog) < 250
    works = []
    while (work := backlog.take()) is not None:
        works.append(work)
    assert all(work.kind is Kind.FOLLOW for work in works)
    follows = [work.sample.dts // STEP for work in works if work.sample]
    assert follows == sorted(follows)
    assert follows[-1] == 399
    for before, work in pairwise(works):
        assert before.sample is not None
        assert work.sample is not None
        gap = work.sample.dts - before.sample.dts > STEP
        assert not gap or (work.restart and work.sample.sync), "what is left out ends at a keyframe"
    lost = 400 - len(works)
    assert shed("thin", "behind") == pytest.approx(lost / 6)


def test_a_gop_without_end_is_given_up_until_the_next_keyframe() -> None:
    backlog = Backlog("endless", lambda: 5.0)
    backlog.follow([sample(0, gop=1000)])
    for place in range(1, 1010):
        backlog.more(sample(place, gop=1000))
    works = []
    while (work := backlog.take()) is not None:
        works.append(work.sample.dts // STEP if work.sample else -1)
    assert works[0] == 0
    assert works[-10:] == list(range(1000, 1010))


def test_what_waits_is_bounded_where_every_picture_is_a_keyframe() -> None:
    """As JPEGs are: the oldest go, that is counted, and how far it is behind is told."""
    backlog = Backlog("jpegs", lambda: 5.0)
    backlog.follow([sample(0, gop=1)])
    for place in range(1, 3000):
        backlog.more(sample(place, gop=1))
    assert len(backlog) <= 6 * 30 + 1
    assert 5 * 90_000 < backlog.behind <= 6 * 90_000
    works = []
    while (work := backlog.take()) is not None:
        works.append(work.sample.dts // STEP if work.sample else -1)
    assert works == list(range(3000 - len(works), 3000))
    assert shed("jpegs", "behind") == pytest.approx((3000 - len(works)) / 6)


def test_runs_that_are_over_before_they_are_looked_at_do_not_pile_up() -> None:
    backlog = Backlog("flaps", lambda: 5.0)
    run = Run("run", TrackFormat(1, "video", 90_000, "avc1", "", b""), int)
    for _ in range(50):
        backlog.begin(run)
        backlog.follow([sample(k) for k in range(60)])
        backlog.rest()
    assert len(backlog) < 150


def test_whoever_has_waited_longest_is_next_and_the_urgent_come_first() -> None:
    order: list[str] = []
    go = threading.Event()

    class Counted:
        def __init__(self, name: str, turns: int, *, urgent: bool = True) -> None:
            self.name, self.left, self.urgent = name, turns, urgent

        def turn(self) -> bool:
            go.wait(5)
            order.append(self.name)
            self.left -= 1
            return self.left > 0

    turns = Turns(1)
    first = Counted("first", 1)
    turns.wake(first)
    time.sleep(0.05)
    for task in (Counted("c", 2, urgent=False), Counted("a", 3), Counted("b", 3)):
        turns.wake(task)
    go.set()
    while not turns.idle:
        time.sleep(0.001)
    turns.close()
    assert order == ["first", "a", "b", "a", "b", "a", "b", "c", "c"]


def test_a_fault_in_one_does_not_end_the_others() -> None:
    class Faulty:
        urgent = True

        def turn(self) -> bool:
            raise RuntimeError("of ours")

    class Sound:
        urgent, done = True, False

        def turn(self) -> bool:
            self.done = True
            return False

    turns, sound = Turns(1), Sound()
    turns.wake(Faulty())
    turns.wake(sound)
    while not turns.idle:
        time.sleep(0.001)
    turns.close()
    assert sound.done
