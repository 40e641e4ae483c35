"""Webhooks, what is to be told to them, and who sends it, on every database."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Database, Deliveries, Delivery, Webhook, Webhooks
from gatehouse_common.db.deliveries import SENDING_US
from gatehouse_common.db.happenings import note
from gatehouse_common.db.webhooks import MOST_WEBHOOKS
from gatehouse_common.errors import ChangedSince, Conflict, NotFound
from gatehouse_common.sealing import Sealer

NOW = 1_715_941_380_000_000
DAY = 24 * HOUR
SECRET, OTHER = "whsec_" + "A" * 32, "whsec_" + "B" * 32
URL = "https://example.org/hooks/swordfish9"


def made(db: Database, *events: str, cameras: list[str] | None = None) -> Webhook:
    return Webhooks(db).add(URL, SECRET, events or ("*",), cameras, "", "ann", NOW)


def happened(db: Database, name: str, subject: str = "one", camera: str = "gate", *, once: bool = False) -> None:
    with db.begin() as c:
        note(c, name, subject, camera, NOW, once=once)


def spread(db: Database) -> int:
    return Deliveries(db).spread(Webhooks(db).list(NOW, active=True), NOW)


def told(db: Database, webhook: Webhook) -> list[str]:
    return [one.name for one in reversed(Deliveries(db).list(webhook.id, 100))]


def only(db: Database, webhook: Webhook) -> Delivery:
    (found,) = Deliveries(db).list(webhook.id, 2)
    return found


def taken(db: Database, webhook: Webhook, name: str = "me", at_us: int = NOW) -> Delivery:
    seen = Deliveries(db).due(webhook.id, at_us, 1)[0]
    found = Deliveries(db).take(seen, name, at_us)
    assert found is not None
    return found


@pytest.mark.parametrize("when", ["before it is noted", "after it is noted"])
def test_what_changes_while_what_waits_is_taken_is_told(db: Database, when: str) -> None:
    """What waits stands for it if it is told later: a body is looked up by who does not see what is not committed."""
    webhook = made(db)
    happened(db, "plate.closed", once=True)
    taking = threading.Thread(target=spread, args=(db,))
    with db.begin() as c:
        c.execute(text("SELECT id FROM webhooks")).all()  # what this transaction sees is of now
        if when == "before it is noted":
            taking.start()
            taking.join(1)
        note(c, "plate.closed", "one", "gate", NOW, once=True)
        if when == "after it is noted":
            taking.start()
            taking.join(1)
        was_taken = not taking.is_alive()
    taking.join(20)
    spread(db)
    assert told(db, webhook) == ["plate.closed"] * (2 if was_taken else 1)


def test_what_was_sealed_with_a_key_that_is_lost_is_locked_until_it_is_entered_anew(
    db: Database, tmp_path: Path
) -> None:
    db.sealer = Sealer("0123456789abcdef0123456789abcdef")
    webhook, webhooks = made(db), Webhooks(db)
    db.sealer = Sealer("f" * 32)
    found = webhooks.get(webhook.id, NOW)
    assert (found.is_locked, found.url, found.secrets) == (True, "", ())
    assert webhooks.change(webhook.id, {"url": URL}, NOW).is_locked
    # The secret before, which nobody can read, does not sign beside the one that takes its place.
    found = webhooks.rotate(webhook.id, OTHER, NOW + HOUR, NOW)
    assert (found.is_locked, found.url, found.secrets) == (False, URL, (OTHER,))
    (tmp_path / "sealing.key").mkdir()  # a key that cannot be read
    db.sealer = Sealer(path=tmp_path / "sealing.key")
    assert [one.is_locked for one in webhooks.list(NOW, active=True)] == [True]


def test_addresses_and_secrets_are_sealed_and_given_back(db: Database) -> None:
    db.sealer = Sealer("0123456789abcdef0123456789abcdef")
    webhook = made(db)
    with db.look() as c:
        kept = str(c.execute(text("SELECT url, secret FROM webhooks")).one())
    assert "swordfish9" not in kept
    assert SECRET not in kept
    again = Webhooks(db).get(webhook.id, NOW)
    assert (again.url, again.secrets) == (URL, (SECRET,))


def test_for_a_while_two_secrets_sign(db: Database) -> None:
    webhook = made(db)
    rotated = Webhooks(db).rotate(webhook.id, OTHER, NOW + HOUR, NOW)
    assert rotated.secrets == (OTHER, SECRET)
    assert Webhooks(db).get(webhook.id, NOW + HOUR).secrets == (OTHER,)


def test_a_change_is_made_only_to_what_was_seen(db: Database) -> None:
    webhook = made(db)
    changed = Webhooks(db).change(webhook.id, {"events": ["clip.*"]}, NOW, seen=[webhook.tag])
    assert changed.events == ("clip.*",)
    with pytest.raises(ChangedSince):
        Webhooks(db).change(webhook.id, {"active": False}, NOW, seen=[webhook.tag])
    with pytest.raises(ChangedSince):
        Webhooks(db).remove(webhook.id, seen=[webhook.tag])
    Webhooks(db).remove(webhook.id, seen=[changed.tag])
    with pytest.raises(NotFound):
        Webhooks(db).get(webhook.id, NOW)


def test_there_may_be_only_so_many(db: Database) -> None:
    for _ in range(MOST_WEBHOOKS):
        made(db)
    with pytest.raises(Conflict, match="limit"):
        made(db)


def test_each_webhook_is_told_what_it_wants(db: Database) -> None:
    plates, gate, everything = made(db, "plate.*"), made(db, "*", cameras=["gate"]), made(db)
    happened(db, "plate.detected", camera="yard")
    happened(db, "clip.ready", camera="gate")
    happened(db, "job.done", camera="")
    assert spread(db) == 3
    assert spread(db) == 0
    assert told(db, plates) == ["plate.detected"]
    assert told(db, gate) == ["clip.ready"]
    assert told(db, everything) == ["plate.detected", "clip.ready", "job.done"]


def test_nothing_is_noted_while_nobody_wants_it(db: Database) -> None:
    happened(db, "plate.detected")
    webhook = made(db)
    Webhooks(db).change(webhook.id, {"active": False}, NOW)
    happened(db, "plate.detected")
    Webhooks(db).change(webhook.id, {"active": True}, NOW)
    assert spread(db) == 0


def test_what_was_undone_is_not_told(db: Database) -> None:
    webhook = made(db)

    def fail() -> None:
        with db.begin() as c:
            note(c, "plate.detected", "one", "gate", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert spread(db) == 0
    assert told(db, webhook) == []


def test_an_update_that_waits_stands_for_those_after_it(db: Database) -> None:
    webhook = made(db)
    happened(db, "plate.updated", once=True)
    happened(db, "plate.updated", once=True)
    happened(db, "plate.updated", "two", once=True)
    spread(db)
    happened(db, "plate.updated", once=True)
    spread(db)
    assert len(told(db, webhook)) == 2
    assert Deliveries(db).due(webhook.id, NOW, 9) == [], "about once a second at most"
    (first, _other) = Deliveries(db).due(webhook.id, NOW + 2 * SECOND, 9)
    taken = Deliveries(db).take(first, "me", NOW + 2 * SECOND)
    assert taken is not None
    happened(db, "plate.updated", first.subject, once=True)
    spread(db)
    assert len(told(db, webhook)) == 3, "what is on its way stands for nothing that comes later"


def test_processes_that_spread_at_once_put_each_event_there_once(db: Database) -> None:
    webhook = made(db)
    for number in range(40):
        happened(db, "plate.detected", str(number))
    threads = [threading.Thread(target=spread, args=(db,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spread(db)
    assert len(told(db, webhook)) == 40


def test_one_alone_takes_a_delivery(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    seen = Deliveries(db).due(webhook.id, NOW, 5)[0]
    names: list[str] = []

    def take(name: str) -> None:
        if Deliveries(db).take(seen, name, NOW) is not None:
            names.append(name)

    threads = [threading.Thread(target=take, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 1
    assert Deliveries(db).due(webhook.id, NOW, 5) == []


def test_what_a_dead_sender_had_is_sent_by_another_and_its_late_word_is_not_heard(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    dead = taken(db, webhook, "dead")
    assert Deliveries(db).keep_body(dead, "{}")
    assert Deliveries(db).due(webhook.id, NOW + SENDING_US - 1, 1) == []
    alive = taken(db, webhook, "alive", NOW + SENDING_US)
    assert (alive.tries, alive.body, alive.event) == (2, "{}", dead.event)
    assert not Deliveries(db).finish(dead, "failed", NOW)
    assert not Deliveries(db).keep_body(dead, "other")
    assert Deliveries(db).finish(alive, "delivered", NOW, status=200, answer="ok", lasted_us=5)
    found = only(db, webhook)
    assert (found.state, found.status, found.answer, found.lasted_us) == ("delivered", 200, "ok", 5)


def test_what_failed_is_due_again_later(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    mine = taken(db, webhook)
    assert Deliveries(db).finish(mine, "waiting", NOW, status=500, next_us=NOW + MINUTE)
    assert Deliveries(db).due(webhook.id, NOW + MINUTE - 1, 1) == []
    assert Deliveries(db).due(webhook.id, NOW + MINUTE, 1)[0].tries == 1
    assert Deliveries(db).waiting() == {webhook.id: 1}


def test_a_delivery_is_replayed_with_the_same_id_unless_it_is_being_sent(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    mine = taken(db, webhook)
    with pytest.raises(Conflict):
        Deliveries(db).replay(webhook.id, mine.id, NOW)
    Deliveries(db).finish(mine, "failed", NOW)
    Webhooks(db).change(webhook.id, {"active": False}, NOW)
    with pytest.raises(Conflict, match="inactive"):
        Deliveries(db).replay(webhook.id, mine.id, NOW + SECOND)
    Webhooks(db).change(webhook.id, {"active": True}, NOW)
    again = Deliveries(db).replay(webhook.id, mine.id, NOW + SECOND)
    assert (again.state, again.tries, again.event, again.ended_us) == ("waiting", 0, mine.event, None)
    with pytest.raises(NotFound):
        Deliveries(db).replay("another", mine.id, NOW)


def test_who_wants_no_more_is_told_nothing_of_what_waits(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    happened(db, "clip.failed")
    spread(db)
    sending = taken(db, webhook)
    assert Webhooks(db).end(webhook, "it answered 410", NOW)
    found = Webhooks(db).get(webhook.id, NOW)
    assert (found.active, found.ended) == (False, "it answered 410")
    assert Deliveries(db).finish(sending, "failed", NOW)
    assert {one.state for one in Deliveries(db).list(webhook.id, 10)} == {"failed"}
    assert Webhooks(db).change(webhook.id, {"active": True}, NOW).ended == ""


def test_what_is_on_its_way_when_nobody_wants_it_any_more_is_given_up(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    sending = taken(db, webhook)
    Webhooks(db).end(webhook, "it answered 410", NOW)
    assert Deliveries(db).finish(sending, "waiting", NOW, status=500, next_us=NOW + MINUTE) == "failed"
    found = only(db, webhook)
    assert (found.state, found.detail, found.ended_us, found.owner) == ("failed", "it answered 410", NOW, None)
    # Who is made inactive by a person is told when it is active again.
    Webhooks(db).change(webhook.id, {"active": True}, NOW)
    Deliveries(db).replay(webhook.id, found.id, NOW)
    again = taken(db, webhook)
    Webhooks(db).change(webhook.id, {"active": False}, NOW)
    assert Deliveries(db).finish(again, "waiting", NOW, next_us=NOW + MINUTE) == "waiting"


def test_what_fails_while_its_webhook_is_ended_does_not_wait_whichever_comes_first(db: Database) -> None:
    webhook = made(db)
    for number in range(12):
        happened(db, "clip.ready", str(number))
    spread(db)
    sending = [taken(db, webhook, str(number)) for number in range(12)]
    for one in sending:  # at the same time, again and again
        Webhooks(db).change(webhook.id, {"active": True}, NOW)
        now = Webhooks(db).get(webhook.id, NOW)
        ending = threading.Thread(target=Webhooks(db).end, args=(now, "it answered 410", NOW))
        ending.start()
        Deliveries(db).finish(one, "waiting", NOW, next_us=NOW + MINUTE)
        ending.join()
        assert Deliveries(db).get(webhook.id, one.id).state == "failed"


def test_who_asked_before_a_person_changed_it_neither_ends_nor_holds_it(db: Database) -> None:
    before = made(db)
    now = Webhooks(db).change(before.id, {"url": f"{URL}/other"}, NOW)
    happened(db, "clip.ready")
    spread(db)
    assert not Webhooks(db).end(before, "it answered 410", NOW)
    assert not Webhooks(db).hold(before, NOW + HOUR, NOW)
    found = Webhooks(db).get(before.id, NOW)
    assert (found.active, found.ended, found.not_before_us) == (True, "", 0)
    assert only(db, found).state == "waiting"
    assert Webhooks(db).hold(now, NOW + HOUR, NOW)
    assert Webhooks(db).hold(now, NOW + MINUTE, NOW)
    assert Webhooks(db).get(before.id, NOW).not_before_us == NOW + HOUR


def test_deliveries_are_listed_by_pages_and_purged_when_old(db: Database) -> None:
    webhook = made(db)
    for number in range(5):
        happened(db, "clip.ready", str(number))
        Deliveries(db).spread([webhook], NOW + number * SECOND)
    first = Deliveries(db).list(webhook.id, 2)
    rest = Deliveries(db).list(webhook.id, 9, (first[-1].created_us, first[-1].id))
    assert [one.subject for one in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert Deliveries(db).purge(NOW + 3 * SECOND) == 0, "what waits does not go without a word"
    assert Deliveries(db).fail_older(NOW + 3 * SECOND, NOW + 9 * SECOND) == 3
    assert [one.subject for one in Deliveries(db).list(webhook.id, 9, state="failed")] == ["2", "1", "0"]
    assert Deliveries(db).purge(NOW + 3 * SECOND) == 0, "it has ended only now"
    assert Deliveries(db).purge(NOW + 10 * SECOND) == 3
    assert [one.subject for one in Deliveries(db).list(webhook.id, 9)] == ["4", "3"]
    assert Deliveries(db).fail_oldest(webhook.id, 1, NOW + 10 * SECOND) == 1
    assert [one.subject for one in Deliveries(db).list(webhook.id, 9, state="waiting")] == ["4"]


def test_what_was_told_of_plates_is_emptied_when_they_are_forgotten(db: Database) -> None:
    """What came of it stays, and so does what was told of others, or is still to be told."""
    webhook = made(db)
    for at_us, name, subject in (
        (NOW, "plate.closed", "old"),
        (NOW, "plate.listed", "waits"),
        (NOW, "clip.ready", "clip"),
        (NOW + DAY, "plate.closed", "young"),
    ):
        happened(db, name, subject)
        Deliveries(db).spread([webhook], at_us)
        mine = taken(db, webhook, subject, at_us)
        Deliveries(db).keep_body(mine, '{"text":"ABC123"}')
        state = "waiting" if subject == "waits" else "delivered"
        Deliveries(db).finish(mine, state, at_us, status=200, answer="ABC123 may pass", next_us=at_us + 40 * DAY)
    assert Deliveries(db).forget_plates(NOW + DAY, 10) == (1, NOW)
    assert Deliveries(db).forget_plates(NOW + DAY, 10, NOW) == (0, NOW)
    found = {one.subject: one for one in Deliveries(db).list(webhook.id, 10)}
    assert {subject for subject, one in found.items() if one.body} == {"waits", "clip", "young"}
    old = found["old"]
    assert (old.state, old.status, old.data, old.answer) == ("delivered", 200, None, "")


def test_what_was_put_off_by_a_clock_that_was_ahead_is_due(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    Deliveries(db).spread([webhook], NOW + 400 * 24 * HOUR)
    assert len(Deliveries(db).due(webhook.id, NOW, 9)) == 1


def test_what_waits_longer_than_it_can_have_been_put_off_is_brought_forward(db: Database) -> None:
    """By how often it was tried: a clock that was an hour ahead is no reason to wait for an hour."""
    webhook = made(db)
    waits_us = (0, 5 * SECOND, HOUR)
    for number in range(4):
        happened(db, "clip.ready", str(number))
    spread(db)
    _fresh, once, twice, sent = sorted(Deliveries(db).due(webhook.id, NOW, 9), key=lambda one: one.subject)
    for seen, tries in ((once, 1), (twice, 2), (sent, 1)):
        for count in range(tries):
            now = Deliveries(db).get(webhook.id, seen.id)
            mine = Deliveries(db).take(now, f"{seen.id} {count}", NOW)
            assert mine is not None
            if seen is not sent:
                next_us = NOW + waits_us[count + 1]
                assert Deliveries(db).finish(mine, "waiting", NOW, next_us=next_us) == "waiting"
    assert Deliveries(db).bring_forward({webhook.id}, waits_us, NOW) == 0
    back_us = NOW - 30 * MINUTE
    assert Deliveries(db).bring_forward({webhook.id}, waits_us, NOW - 4 * MINUTE) == 0
    assert Deliveries(db).bring_forward({webhook.id}, waits_us, back_us) == 4
    assert len(Deliveries(db).due(webhook.id, back_us, 9)) == 4
    assert {one.next_us for one in Deliveries(db).list(webhook.id, 9)} == {back_us}


def test_what_waits_for_it_was_asked_for_is_not_brought_forward(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    Webhooks(db).hold(webhook, NOW + 10 * HOUR, NOW)
    Deliveries(db).finish(taken(db, webhook), "waiting", NOW, next_us=NOW + 10 * HOUR)
    assert Deliveries(db).bring_forward({webhook.id}, (0, SECOND), NOW) == 0
    # An address that has asked for nothing is not told so late; nor is a hold believed that nobody can have asked for.
    assert Deliveries(db).bring_forward({webhook.id}, (0, SECOND), NOW - 20 * HOUR) == 1
    now = Webhooks(db).get(webhook.id, NOW)
    Webhooks(db).hold(now, NOW - 19 * HOUR, NOW - 20 * HOUR)
    assert Webhooks(db).get(webhook.id, NOW).not_before_us == NOW - 19 * HOUR


def test_what_nobody_is_there_to_be_told_of_goes_with_time(db: Database) -> None:
    made(db)
    happened(db, "clip.ready")
    Deliveries(db).purge(NOW + 400 * 24 * HOUR)
    assert spread(db) == 1, "however long nobody looked: somebody wants it"
    happened(db, "clip.ready")
    assert Deliveries(db).purge(NOW, happenings=True) == 1
    assert spread(db) == 0


def test_states_are_told_when_they_are_others_than_before(db: Database) -> None:
    webhook, deliveries = made(db), Deliveries(db)

    def look(**names: str) -> list[str]:
        deliveries.note_states({one: (name, one, "{}") for one, name in names.items()}, NOW)
        spread(db)
        return told(db, webhook)

    assert look(gate="camera.online") == []
    assert look(gate="camera.online") == []
    assert look(gate="camera.offline") == ["camera.offline"]
    assert look(gate="camera.offline", yard="camera.online") == ["camera.offline", "camera.online"]
    deliveries.forget_states()
    assert len(look(gate="camera.online")) == 2


def test_a_webhook_that_is_deleted_takes_its_deliveries_along(db: Database) -> None:
    webhook = made(db)
    happened(db, "clip.ready")
    spread(db)
    Webhooks(db).remove(webhook.id)
    assert Deliveries(db).list(webhook.id, 9) == []
