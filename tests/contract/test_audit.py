"""The audit log, on every database (S0-21)."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, update

from account_rows import NOW
from gatehouse_common.clock import HOUR
from gatehouse_common.db import Audit, Database, Deed
from gatehouse_common.db.account_models import AuditRow
from gatehouse_common.db.audit import _digest
from gatehouse_common.db.upkeep_models import FactRow


class TestAudit:
    DEED = Deed("footage.exported", "camera gate", "Ann", "id", None, "192.0.2.1", {"from": 1, "to": "zwölf"})

    def fill(self, db: Database, count: int = 5) -> Audit:
        audit = Audit(db)
        for n in range(count):
            audit.write(replace(self.DEED, action=("user.added", "footage.exported")[n % 2]), NOW + n * HOUR)
        return audit

    def test_what_was_done_is_found_again(self, db: Database) -> None:
        audit = self.fill(db)
        found = audit.entries()
        assert [e.number for e in found] == [5, 4, 3, 2, 1]
        assert found[1].deed == self.DEED
        assert [e.number for e in audit.entries(action="footage.")] == [4, 2]
        assert [e.number for e in audit.entries(action="user.added", before=5, limit=1)] == [3]
        assert audit.entries(action="%") == audit.entries(action="_ser.added") == audit.entries(action="%.") == []
        assert audit.entries(actor="Ben") == []
        assert [e.number for e in audit.entries(start_us=NOW + HOUR, end_us=NOW + 3 * HOUR)] == [3, 2]
        assert list(audit.broken()) == []

    def test_no_entry_is_changed_or_taken_out_unseen(self, db: Database) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(actor="Ben"))
        assert list(audit.broken()) == ["entry 2 is not as it was written"]
        with db.begin() as c:
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(actor="Ann"))
            c.execute(delete(AuditRow).where(AuditRow.number.in_([3, 4])))
        assert list(audit.broken()) == ["entries 3 to 4 are missing"]

    def test_a_chain_that_was_written_anew_from_some_entry_on_is_seen(self, db: Database) -> None:
        audit = self.fill(db)
        forged = Audit(db)
        with db.begin() as c:
            c.execute(delete(AuditRow).where(AuditRow.number >= 3))
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(number=9))
        forged.write(self.DEED, NOW)
        assert list(audit.broken()) != []

    @pytest.mark.parametrize(
        ("gone", "said"),
        [([5], "entry 5 is missing"), ([4, 5], "entries 4 to 5 are missing"), ([1, 2], "entries 1 to 2 are missing")],
    )
    def test_no_entry_is_taken_off_an_end_unseen(self, db: Database, gone: list[int], said: str) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(delete(AuditRow).where(AuditRow.number.in_(gone)))
        assert list(audit.broken()) == [said]
        assert audit.write(self.DEED, NOW).number == 6
        assert list(audit.broken()) == [said]

    def test_a_log_that_is_gone_as_a_whole_is_missed(self, db: Database) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(delete(AuditRow))
        assert list(audit.broken()) == ["entries 1 to 5 are missing"]
        audit.write(self.DEED, NOW)
        assert list(audit.broken()) == ["entries 1 to 5 are missing"]

    def test_what_was_put_behind_the_newest_entry_is_seen(self, db: Database) -> None:
        audit = self.fill(db)
        (newest,) = audit.entries(limit=1)
        number, time_us = 6, newest.time_us + 1
        forged = _digest(number, time_us, self.DEED, newest.digest)
        values = {name: getattr(self.DEED, name) for name in ("action", "subject", "actor", "actor_id", "token")}
        values |= {"address": self.DEED.address, "detail": dict(self.DEED.detail), "done": True, "note": ""}
        with db.begin() as c:
            row = {"number": number, "time_us": time_us, "previous": newest.digest, "digest": forged}
            c.execute(insert(AuditRow).values(row | values))
        assert list(audit.broken()) == ["entry 6 is not written by Gatehouse"]
        assert audit.write(self.DEED, NOW).number == 7
        assert list(audit.broken()) == ["entry 7 does not follow on entry 6"]

    def test_an_anchor_that_was_lost_is_told_until_there_is_another(self, db: Database) -> None:
        audit = self.fill(db)
        for lost in ("", "{", "[]", '{"first": "x"}'):
            with db.begin() as c:
                c.execute(update(FactRow).where(FactRow.name == "audit.lock").values(value=lost))
            assert list(audit.broken()) == ["nothing tells whether entry 5 is the newest"]
        audit.write(self.DEED, NOW)
        assert list(audit.broken()) == []

    def test_a_chain_is_whole_while_it_is_written_and_forgotten(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gatehouse_common.db.audit._AT_ONCE", 2)
        audit = self.fill(db, 9)
        found = audit.broken()
        said = []
        looked = Audit._page
        after = iter([2, 6, 7])

        def page(self: Audit, number: int) -> object:
            many = looked(self, number)
            at = next(after, None)
            if at is not None:
                audit.write(TestAudit.DEED, NOW + 100 * HOUR)
                audit.forget_before(NOW + at * HOUR)
            return many

        monkeypatch.setattr(Audit, "_page", page)
        said += list(found)
        assert said == []
        assert [e.number for e in audit.entries()] == [12, 11, 10, 9, 8]

    def test_what_was_digested_is_what_is_kept(self, db: Database) -> None:
        audit = Audit(db)
        long = "\ud800" + "ä" * 20_000
        deed = Deed(
            long, long, long, long, long, long, {long: [long, float("nan"), 2**70, (1, None)]}, done=False, note=long
        )
        written = audit.write(deed, NOW)
        assert list(audit.broken()) == []
        (kept,) = audit.entries()
        assert kept == written
        said = kept.deed
        lengths = [
            len(t or "") for t in (said.action, said.subject, said.actor, said.actor_id, said.token, said.address)
        ]
        assert lengths == [64, 300, 255, 36, 12, 45]
        assert said.subject == "?" + "ä" * 299

    def test_many_who_write_at_once_make_one_chain(self, db: Database) -> None:
        audit = Audit(db)
        threads = [
            threading.Thread(target=lambda: [audit.write(self.DEED, NOW) for _ in range(5)], daemon=True)
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert sorted(e.number for e in audit.entries(limit=100)) == list(range(1, 31))
        assert list(audit.broken()) == []

    def test_old_entries_go_and_the_chain_stays_whole(self, db: Database) -> None:
        audit = self.fill(db)
        assert audit.forget_before(NOW + 2 * HOUR) == 2
        assert [e.number for e in audit.entries()] == [5, 4, 3]
        assert audit.forget_before(NOW + 100 * HOUR) == 2  # the newest stays: the next one follows on it
        audit.write(self.DEED, NOW)
        assert [e.number for e in audit.entries()] == [6, 5]
        assert list(audit.broken()) == []
