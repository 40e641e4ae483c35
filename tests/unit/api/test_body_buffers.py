"""Buffers of bodies are used again, and never while somebody still has a view of them."""

from __future__ import annotations

from gatehouse_api.uploads.body_buffers import BodyBuffers

MIB = 1 << 20


def test_a_buffer_is_used_again_and_has_the_size_that_is_asked_for() -> None:
    buffers = BodyBuffers()
    with buffers.lend(MIB) as first:
        assert len(first) == MIB
    for size in (MIB - 7, MIB + 9, 0, 5, MIB):
        with buffers.lend(size) as again:
            assert len(again) == size
    with buffers.lend(MIB) as again:
        assert again is first


def test_two_at_once_have_buffers_of_their_own() -> None:
    buffers = BodyBuffers()
    with buffers.lend(MIB) as one, buffers.lend(MIB) as other:
        one[:], other[:] = b"1" * MIB, b"2" * MIB
        assert one == b"1" * MIB


def test_what_somebody_still_looks_at_is_not_lent_again() -> None:
    buffers = BodyBuffers()
    with buffers.lend(MIB) as lent:
        lent[:] = b"x" * MIB
        view = memoryview(lent)
    with buffers.lend(MIB) as other:
        other[:] = b"y" * MIB
    assert view == b"x" * MIB


def test_large_ones_do_not_stay() -> None:
    buffers = BodyBuffers()
    with buffers.lend(8 * MIB) as large:
        pass
    with buffers.lend(8 * MIB) as again:
        assert again is not large
