"""Taking up open visits: what is waited for, and what is not."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from gatehouse_common.bus.port import slot_of
from gatehouse_detector.succession import Succession
from pipeline_kit import core_at, open_core
from running import wait_for


def test_pictures_do_not_wait_for_an_index_that_takes_questions_and_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        core = open_core(tmp_path, database_url=f"mysql://nobody:x@127.0.0.1:{silent.getsockname()[1]}/none")
        succession = Succession(core)
        succession.begin([slot_of("cam")])
        asking = threading.Thread(target=succession.take_over, args=(lambda *_: None,), daemon=True)
        asking.start()
        begun = time.monotonic()
        succession.wait_for("cam")
        once = time.monotonic() - begun
        succession.wait_for("cam")
        assert time.monotonic() - begun - once < 0.5, "it is waited for once"
        assert once < 4
        assert asking.is_alive(), "there is no answer yet"
    asking.join(60)
    core.close()


def test_pictures_wait_until_the_visits_of_their_camera_are_taken_up(tmp_path: Path) -> None:
    with core_at(tmp_path) as core:
        succession = Succession(core)
        succession.begin([slot_of("cam")])
        waiting = threading.Thread(target=succession.wait_for, args=("cam",))
        waiting.start()
        time.sleep(0.2)
        assert waiting.is_alive()
        succession.take_over(lambda *_: None)
        wait_for("its turn", lambda: not waiting.is_alive(), 1)
