"""What goes over the wire comes back, and what should not is refused with a reason (W-5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import (
    CameraState,
    CameraStatus,
    GapCause,
    GapRecorded,
    Interruption,
    Message,
    RunStarted,
    decode,
    encode,
)

GAP = GapRecorded(camera="gate", time_us=5, start_us=1, end_us=5, cause=GapCause.DROPPED, detail="zu spät: 3 Bilder")
RUN = RunStarted(
    camera="gate",
    time_us=7,
    run="r",
    origin_us=-3,
    start_us=7,
    init=b"AAECAw==",
    width=1920,
    height=1080,
    fps=29.97,
    video_codec="avc1.42c01e",
    interruptions=[Interruption(cause=GapCause.SERVICE_DOWN, since_us=None)],
)
STATUS = CameraStatus(camera="gate", time_us=1, state=CameraState.RECORDING, since_us=1)


def wire(message: Message, **changed: Any) -> bytes:
    return json.dumps({**json.loads(encode(message)), **changed}).encode()


@pytest.mark.parametrize("message", [GAP, RUN, STATUS], ids=lambda m: m.TYPE)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert decode(encode(message)) == message
    assert decode(memoryview(encode(message))) == message


def test_binary_fields_are_base64_on_the_wire_and_bytes_inside() -> None:
    assert RUN.init == b"\x00\x01\x02\x03"
    assert json.loads(encode(RUN))["init"].strip() == "AAECAw=="


def test_the_wire_names_type_version_and_id() -> None:
    fields = json.loads(encode(GAP))
    assert (fields["type"], fields["version"], fields["id"]) == ("gap.recorded", 1, GAP.id)
    assert GAP.routing_key == "gap.recorded.gate"


def test_a_field_that_a_newer_writer_added_is_ignored() -> None:
    assert decode(wire(GAP, invented_later={"deep": [1, 2]})) == GAP


def test_a_message_is_never_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        GAP.start_us = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{", "not JSON"),
        (b'"gap.recorded"', "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"type": "gap.recorded", "version": NaN}', "not JSON"),
        (b'{"type": "gap.recorded", "detail": "\\ud800"}', "not JSON"),
        (b"{}", "unknown message type"),
        (b'{"type": ["gap.recorded"]}', "unknown message type"),
        (wire(GAP, type="gap.invented"), "unknown message type 'gap.invented'"),
        (wire(GAP, version=2), "version '2', this reader knows 1"),
        (wire(GAP, version=True), "version 'True'"),
        (wire(GAP, version="1"), "version '1'"),
        (wire(GAP, id=None), "'id'"),
        (wire(GAP, camera="../../etc"), "'camera'"),
        (wire(GAP, camera=""), "'camera'"),
        (wire(GAP, camera="gate\n"), "'camera'"),
        (wire(GAP, start_us="1"), "'start_us'"),
        (wire(GAP, start_us=1.5), "'start_us'"),
        (wire(GAP, start_us=True), "'start_us'"),
        (wire(GAP, start_us=10**30), "'start_us'"),
        (wire(GAP, cause="boredom"), "'cause'"),
        (wire(RUN, init="not base64!"), "'init'"),
        (wire(RUN, width=-1), "'width'"),
        (wire(RUN, interruptions=[{"cause": "nothing", "since_us": 1}]), "'interruptions.0.cause'"),
    ],
)
def test_a_body_that_cannot_be_trusted_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(body)
    assert reason in caught.value.message
    assert not caught.value.kind.retry, "it must become a dead letter, not go round"
    assert len(caught.value.message) < 300


def test_a_message_without_an_id_is_refused() -> None:
    """Otherwise each delivery would get a new one, and no reader could know it again."""
    fields = json.loads(encode(GAP))
    del fields["id"]
    with pytest.raises(InvalidInput, match="'id'"):
        decode(json.dumps(fields).encode())
