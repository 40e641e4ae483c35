"""`gatehouse up` with its index on a MySQL server, which goes away while a camera is recorded."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mariadb_server import MariaDB
from running import Running, command, wait_for


def test_a_database_that_is_away_costs_no_second(tmp_path: Path) -> None:
    """S0-31, S0-36: only a URL to set; recording goes on without it, and the index catches up."""
    server = MariaDB(tmp_path / "server")
    server.folder.mkdir()
    server.start()
    server.sql("CREATE DATABASE videochunks")
    url = server.url("videochunks")
    data, where = tmp_path / "data", {"GATEHOUSE_DATABASE_URL": url}
    began = time.time_ns() // 1000
    try:
        with Running(data, "--demo", log=tmp_path / "log", **where) as gatehouse:
            gatehouse.ready().recording("demo")
            server.stop()
            told = wait_for("an unready answer", lambda: unready(gatehouse))
            assert told["database"] == f"database {url.replace('test-only', '***')}: the server cannot be reached"
            time.sleep(4.0)
            server.start()
            wait_for("readiness", lambda: gatehouse.get("/readyz").status == 200)
            back = time.time_ns() // 1000

            def caught_up() -> bool:
                spans, _ = gatehouse.ledger("demo", began)
                return bool(spans) and spans[-1][1] > back

            wait_for("footage from after that", caught_up)
            recorded, gaps = gatehouse.ledger("demo", began)
            assert len(recorded) == 1, recorded
            assert recorded[0][1] - recorded[0][0] > 5_000_000
            assert {cause for _, _, cause in gaps} <= {"service_down"}  # before the first frame
            assert gatehouse.stop() == 0
            assert "test-only" not in gatehouse.said()
        checked = command("check", "--json", "--data", str(data), **where)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads(checked.stdout)["problems"] == []
    finally:
        server.kill()


def unready(gatehouse: Running) -> dict[str, str] | None:
    answer = gatehouse.get("/readyz")
    return {c["name"]: c["detail"] for c in json.loads(answer.body)["checks"]} if answer.status == 503 else None
