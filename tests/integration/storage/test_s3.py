"""The S3 store when things go wrong: a server that stops, a process that is killed, connections that break."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from gatehouse_common.errors import DataLoss, InvalidInput, Kind, NotFound, Unavailable
from gatehouse_common.observability.secrets import mask
from gatehouse_common.storage import FileSource
from gatehouse_common.storage.s3 import S3Store
from gatehouse_common.storage.s3.multipart import unfinished
from s3_server import Bucket, Swift, bucket, swift

KEY = "recordings/cam/2024-05-17/recording_20240517_102300.mp4"
PART = 8 << 20

KILLED = """
import os, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from s3_server import Bucket
from gatehouse_common.storage import FileSource
store = Bucket(*sys.argv[1:3], os.environ["SECRET"]).open()
film = Path(os.environ["FILM"])
size = film.stat().st_size - 1
print(store.grow(os.environ["KEY"]).feed(FileSource(film, os.environ["KEY"]), size), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket(tmp_path_factory.mktemp("s3") / "server") as made:
        yield made


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Swift]:
    with swift(tmp_path / "server") as made:
        yield made


@pytest.fixture
def there(server: Bucket, request: pytest.FixtureRequest) -> Bucket:
    return server.below(f"{request.node.name[:60].strip('[]')}-{time.time_ns()}")


@pytest.fixture
def store(there: Bucket) -> Iterator[S3Store]:
    with contextlib.closing(there.open()) as made:
        yield made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(random.Random(7).randbytes(3 * PART + 12_345))
    return path


def sent(store: S3Store, operation: str) -> list[Any]:
    """The requests of a kind that are sent from now on."""
    heard: list[Any] = []
    store._client.meta.events.register(f"before-call.s3.{operation}", lambda **call: heard.append(call["params"]))
    return heard


def left(store: S3Store) -> list[str]:
    return [u.key for u in unfinished(store._client, store.place, "")]


def begin_and_be_killed(there: Bucket, film: Path) -> None:
    """A process of its own sends the whole parts that there are by then, and is ended by SIGKILL."""
    tests = str(Path(__file__).resolve().parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, there.url, there.access_key, tests],
        stdout=subprocess.PIPE,
        env={"FILM": str(film), "KEY": KEY, "SECRET": there.secret_key},
    )
    assert child.stdout is not None
    with child.stdout:
        assert int(child.stdout.readline()) == 3 * PART
    child.kill()
    child.wait()


def test_an_upload_that_was_killed_is_gone_on_with(there: Bucket, store: S3Store, film: Path) -> None:
    """S2-43: what has been sent is not sent again."""
    begin_and_be_killed(there, film)
    assert left(store) == [KEY]
    with pytest.raises(NotFound):
        store.stat(KEY)
    parts = sent(store, "UploadPart")
    store.put_file(film, KEY)
    assert len(parts) == 1
    assert store.read(KEY) == film.read_bytes()
    assert left(store) == []


def test_what_was_sent_of_another_file_is_not_believed(there: Bucket, store: S3Store, film: Path) -> None:
    """After a power cut a file may have another end than it had, or another middle."""
    begin_and_be_killed(there, film)
    data = bytearray(film.read_bytes()[: 2 * PART + 99])
    data[PART + 5] ^= 1
    film.write_bytes(data)
    parts = sent(store, "UploadPart")
    store.put_file(film, KEY)
    assert len(parts) == 2
    assert store.read(KEY) == data
    assert left(store) == []


def test_an_upload_that_nobody_goes_on_with_is_aborted(there: Bucket, store: S3Store, film: Path) -> None:
    begin_and_be_killed(there, film)
    assert store.tidy(1_600_000_000_000_000) == 0, "younger than that"
    assert left(store) == [KEY]
    mine, source = store.grow("recordings/cam/other.mp4"), FileSource(film, KEY)
    mine.feed(source, PART)
    assert store.tidy(1 << 62) == 1
    assert left(store) == ["recordings/cam/other.mp4"], "what this process is about is left alone"
    mine.finish(source)
    assert store.stat("recordings/cam/other.mp4").size == film.stat().st_size
    assert left(store) == []


def test_an_upload_that_somebody_aborted_is_begun_again(store: S3Store, film: Path) -> None:
    growing, source = store.grow(KEY), FileSource(film, KEY)
    growing.feed(source, 2 * PART)
    with contextlib.closing(S3Store(store.place, store._client)) as somebody:
        assert somebody.tidy(1 << 62) == 1
    growing.finish(source)
    assert store.read(KEY) == film.read_bytes()
    assert left(store) == []


def test_any_range_is_byte_exact(store: S3Store, film: Path) -> None:
    store.put_file(film, KEY)
    data, dice = film.read_bytes(), random.Random(3)
    for _ in range(30):
        offset = dice.randrange(len(data))
        length = min(dice.choice([1, 4096, 3_000_000]), len(data) - offset)
        assert store.read(KEY, offset, length) == data[offset : offset + length]
    assert store.read(KEY, len(data)) == b""
    with pytest.raises(DataLoss, match="ends"):
        store.read(KEY, len(data), 1)


def test_a_server_that_stops_is_told_and_comes_back(own_server: Swift, film: Path) -> None:
    """S2-32: unavailable is an error that is tried again, with a sentence that names the server, and soon."""
    with contextlib.closing(own_server.bucket().open()) as store:
        store.put_file(film, KEY)
        other = film.with_name("other.mp4")
        other.write_bytes(film.read_bytes())
        growing, source = store.grow(KEY + ".other.mp4"), FileSource(other, KEY)
        growing.feed(source, 2 * PART)
        own_server.stop()
        for call in (
            store.probe,
            store.capacity,
            lambda: growing.finish(source),
            lambda: store.stat(KEY),
            lambda: store.open_range(KEY),
            lambda: list(store.list("")),
            lambda: store.put_bytes("recordings/x", b""),
        ):
            began = time.monotonic()
            with pytest.raises(Unavailable, match=r"s3://footage at http://127\.0\.0\.1:\d+: the server does not ans"):
                call()
            assert time.monotonic() - began < 12
        own_server.start()
        store.probe()
        assert store.read(KEY) == film.read_bytes(), "what was stored before is still there"
        parts = sent(store, "UploadPart")
        growing.finish(source)
        assert len(parts) == 2, "what had been sent before is not sent again"
        assert store.read(KEY + ".other.mp4") == other.read_bytes()


def test_a_server_that_dies_while_it_takes_a_file_loses_nothing(own_server: Swift, tmp_path: Path) -> None:
    film = tmp_path / "large.mp4"
    film.write_bytes(random.Random(9).randbytes(12 * PART))
    with contextlib.closing(own_server.bucket().open()) as store:
        parts = sent(store, "UploadPart")
        killer = threading.Thread(target=_stop_after, args=(own_server, parts))
        killer.start()
        with pytest.raises(Unavailable):
            store.put_file(film, KEY)
        killer.join()
        own_server.start()
        store.put_file(film, KEY)
        assert store.read(KEY) == film.read_bytes()
        assert left(store) == []


def _stop_after(server: Swift, parts: list[Any]) -> None:
    while len(parts) < 5:
        time.sleep(0.005)
    server.stop()


def test_credentials_that_are_wrong_are_told_and_never_shown(there: Bucket) -> None:
    wrong = Bucket(there.url, there.access_key, "canary-that-is-wrong")
    with contextlib.closing(wrong.open()) as store:
        with pytest.raises(InvalidInput, match="the secret key is wrong") as caught:
            store.probe()
        assert "canary" not in caught.value.message
        with pytest.raises(Unavailable) as waiting:  # at work, footage waits until somebody has mended it
            store.stat(KEY)
        assert waiting.value.kind is Kind.UNAVAILABLE
        assert "canary" not in repr(store) + str(store.place) + mask("the key canary-that-is-wrong is wrong")


def test_a_bucket_that_is_not_there_is_told(there: Bucket) -> None:
    bucket_name = there.url.split("/")[2]
    missing = Bucket(there.url.replace(bucket_name, "not-there-at-all"), there.access_key, there.secret_key)
    with (
        contextlib.closing(missing.open()) as store,
        pytest.raises(InvalidInput, match=r"not-there-at-all.*there is no such bucket: create it"),
    ):
        store.probe()


def test_a_signed_url_gives_ranges_to_who_has_no_key(there: Bucket) -> None:
    with contextlib.closing(there.open(redirect=True, redirect_seconds=60)) as store:
        store.put_bytes(KEY, bytes(range(256)))
        url = store.redirect_url(KEY)
        assert url is not None
        assert there.secret_key not in url
        with urlopen(Request(url, headers={"Range": "bytes=10-19"}), timeout=10) as answer:
            assert (answer.status, answer.read()) == (206, bytes(range(10, 20)))
        assert answer.headers["Content-Type"] == "video/mp4"
    with contextlib.closing(there.open()) as store:
        assert store.redirect_url(KEY) is None


def test_deleting_many_says_what_it_sends(store: S3Store) -> None:
    """S1-17: servers that ask for Content-MD5 there, as S3 did, refuse without it, and nothing would be deleted."""
    wanted = [f"recordings/cam/&<ü>{n}.mp4" for n in range(3)]
    for key in wanted:
        store.put_bytes(key, b"footage")
    requests: list[Any] = []
    events = store._client.meta.events
    events.register("before-send.s3.DeleteObjects", lambda request, **_: requests.append(request))
    assert store.delete_many(wanted) == {}
    assert list(store.list("recordings/")) == []
    [request] = requests
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    assert request.headers["Content-MD5"] in {base64.b64encode(digest), base64.b64encode(digest).decode()}
    signed = request.headers["Authorization"]
    assert "content-md5" in (signed.decode() if isinstance(signed, bytes) else signed)


class Refusing(BaseHTTPRequestHandler):
    """A server that answers a request to delete many with what the test says."""

    errors = ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = f'<?xml version="1.0"?><DeleteResult>{self.errors}</DeleteResult>'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("errors", "refused"),
    [
        ("", set()),
        ("<Error><Key>a/1</Key><Code>AccessDenied</Code></Error>", {"a/1"}),
        ("<Error><Key>a%2F1</Key><Code>AccessDenied</Code></Error>", {"a/1", "a/2"}),
        ("<Error><Code>InternalError</Code></Error>", {"a/1", "a/2"}),
    ],
    ids=["none", "one", "spelt otherwise", "unnamed"],
)
def test_a_refusal_that_names_none_of_ours_is_not_taken_for_success(errors: str, refused: set[str]) -> None:
    """S2-30: an object that is still there is not forgotten."""
    answering = HTTPServer(("127.0.0.1", 0), type("Answering", (Refusing,), {"errors": errors}))
    thread = threading.Thread(target=answering.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    there = Bucket(f"s3://footage?endpoint=http://127.0.0.1:{answering.server_port}", "somebody", "secret-of-a-test")
    try:
        with contextlib.closing(there.open()) as store:
            assert store.delete_many(["a/1", "a/2"]).keys() == refused
    finally:
        answering.shutdown()
        answering.server_close()
        thread.join()


class Breaking:
    """A way to a server on which every connection breaks off after so many bytes of answers, the last few excepted."""

    def __init__(self, port: int, after: int, times: int) -> None:
        self._port, self._after, self._times = port, after, times
        self._entrance = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._entrance.getsockname()[1]
        self.broken = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._entrance.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the entrance is closed when the test is over
            while True:
                client, _ = self._entrance.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server, contextlib.suppress(OSError):
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            passed = 0
            while data := server.recv(1 << 16):
                client.sendall(data)
                passed += len(data)
                if passed > self._after and self.broken < self._times:
                    self.broken += 1
                    break
            for end in (client, server):  # closing is not enough: the other thread still reads
                end.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)


def test_a_connection_that_breaks_is_made_again_where_it_ended(own_server: Swift, film: Path) -> None:
    here = own_server.bucket()
    way = Breaking(own_server.ports["proxy"], after=3_000_000, times=4)
    by_the_way = Bucket(here.url.replace(str(own_server.ports["proxy"]), str(way.port)))
    with contextlib.closing(way), contextlib.closing(here.open()) as direct, contextlib.closing(by_the_way.open()) as s:
        direct.put_file(film, KEY)
        assert s.read(KEY, 1000, 25_000_000) == film.read_bytes()[1000:25_001_000]
        assert way.broken == 4


def test_another_object_is_never_given_out_for_the_rest_of_one(own_server: Swift, film: Path) -> None:
    here = own_server.bucket()
    way = Breaking(own_server.ports["proxy"], after=3_000_000, times=1)
    by_the_way = Bucket(here.url.replace(str(own_server.ports["proxy"]), str(way.port)))
    with contextlib.closing(way), contextlib.closing(here.open()) as direct, contextlib.closing(by_the_way.open()) as s:
        direct.put_file(film, KEY)
        pieces = s.open_range(KEY)
        next(pieces)
        direct.put_bytes(KEY, bytes(film.stat().st_size), overwrite=True)
        with pytest.raises(DataLoss, match="was replaced while it was read"):
            b"".join(pieces)
