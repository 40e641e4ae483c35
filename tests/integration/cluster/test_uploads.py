"""Uploads to two web servers that share an index and a store, one of which is killed again and again (S4-5)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from brokers import virtual_host
from databases import mysql_database, mysql_url
from gatehouse_common.db import JobRepository, Uploads
from gatehouse_common.runtime import Core
from pipeline_kit import core_at
from s3_server import bucket
from upload_kit import TUS, bytes_of, film, metadata
from upload_replicas import Replicas, Sender, replicas

MIB = 1 << 20


@pytest.fixture(scope="module", params=["directory", "s3"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replicas, Core]]:
    home = tmp_path_factory.mktemp("replicas")
    with ExitStack() as held:
        settings: dict[str, object] = {
            "broker_url": held.enter_context(virtual_host(lambda: home / "rabbitmq")),
            "database_url": held.enter_context(mysql_database(mysql_url(lambda: home / "mariadb"))),
            "service.token": "canary-token",
        }
        if request.param == "s3":
            store = held.enter_context(bucket(home / "swift"))
            settings |= {
                "storage_url": store.url,
                "storage.access_key": store.access_key,
                "storage.secret_key": store.secret_key,
            }
        else:
            settings["storage_url"] = f"file://{home / 'store'}"
        core = held.enter_context(core_at(home / "test", **settings))
        yield held.enter_context(replicas(home, settings)), core


def test_blobs_to_two_servers_of_which_one_is_killed(site: tuple[Replicas, Core]) -> None:
    """S4-5: permuted, 30 % twice, eight at once, to two in turn, killed -9 in the midst: one medium, byte for byte."""
    servers, core = site
    of_s3 = "s3" in str(core.settings.values.storage_url)
    data = film((6 if of_s3 else 24) * MIB - 123, 7)
    blobs = [data[at : at + MIB] for at in range(0, len(data), MIB)]
    sender, done, kills = Sender(servers.ports, "killed"), threading.Event(), list[int]()

    def kill() -> None:
        for turn, number in enumerate((0, 1, 0)):
            while sender.taken <= turn * len(blobs) // 6:
                if done.wait(0.01):
                    return
            servers.kill(number)
            kills.append(number)

    killer = threading.Thread(target=kill)
    killer.start()
    sender.send(blobs)
    done.set()
    killer.join(60)
    assert kills  # else nothing was proved
    assert not sender.wrong
    assert sender.taken == len(blobs) + int(len(blobs) * 0.3)
    media = {video["id"] for video in sender.videos}
    assert len(media) == 1
    number = media.pop()
    assert bytes_of(core, number) == data
    assert [job.media for job in JobRepository(core.db).list(500, None, "media-process")].count(number) == 1
    upload = Uploads(core.db).medium(number).upload
    assert upload is not None
    assert len(Uploads(core.db).pieces(upload)) == len(blobs)


def test_any_server_goes_on_with_any_upload(site: tuple[Replicas, Core]) -> None:
    """S4-18: two in turn append to the same upload, and a connection that is cut costs what it had not sent."""
    servers, core = site
    data = film(10 * MIB, 3)
    urls = [f"http://127.0.0.1:{port}" for port in servers.ports]
    for port in servers.ports:
        while not servers.answers(port):
            threading.Event().wait(0.2)
    headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata(filename="a.webm")}
    path = requests.post(f"{urls[0]}/api/v1/uploads", headers=headers, timeout=30).headers["Location"]
    _cut(servers.ports[0], path, data[: 5 * MIB], 3 * MIB)
    at, turn = -1, 0
    while at < len(data):
        url = urls[turn % 2] + path
        found = int(requests.head(url, headers=TUS, timeout=30).headers["Upload-Offset"])
        assert found == at or turn == 0
        at, turn = found, turn + 1
        if turn == 1:
            assert 3 * MIB - (64 << 10) <= at <= 3 * MIB
        said = {**TUS, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
        answer = requests.patch(url, data=data[at : at + 3 * MIB], headers=said, timeout=30)
        assert answer.status_code == 204, answer.text
        at = int(answer.headers["Upload-Offset"])
    media = requests.get(urls[0] + path, timeout=30).json()["media"]
    assert bytes_of(core, media) == data


def _cut(port: int, path: str, data: bytes, after: int) -> None:
    """Begin to send, and break off; return once the server has noticed."""
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + data[:after])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(30)
        while connection.recv(4096):
            pass
