"""An HTTP MJPEG camera for tests: a real server, pictures with burned-in numbers in real time, faults to order.

Picture ``n`` is sent at ``Camera.began + n / fps``, whoever asks; a client that connects later sees later numbers.
By query: ``length=yes|no|short|long`` (of ``Content-Length``), ``boundary=plain|dashed|none``, ``slices=BYTES``,
``chunked=1``, ``stall_after=S`` (falls silent and keeps the connection), ``close_after=S``, ``trickle_after=S``
(sends what is no picture), ``tables=0`` (JPEGs without Huffman tables, as USB cameras make them). The S count from
the request. Paths: ``/live``, ``/page`` (HTML), ``/noise``, ``/picture`` (one JPEG), ``/moved`` (a redirect to
``/live``), ``/locked`` (Basic), ``/digest`` (Digest); the last two take ``USER`` and ``PASSWORD``.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import av
import numpy as np

from gatehouse_common.media.pictures import encode_jpeg
from gatehouse_common.testing import barcode

USER, PASSWORD = "user", "hunter2hunter2"
FPS = 15
SIZE = (320, 180)
_NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"


def picture(number: int, size: tuple[int, int] = SIZE) -> bytes:
    """Return the JPEG of a gradient with ``number`` burned in."""
    width, height = size
    luma = np.tile(np.linspace(40, 200, width, dtype=np.uint8), (height, 1))
    barcode.draw(luma, number)
    frame = av.VideoFrame(width, height, "gray")
    padded = np.zeros((height, frame.planes[0].line_size), np.uint8)
    padded[:, :width] = luma
    frame.planes[0].update(padded.tobytes())
    return encode_jpeg(frame, width)[0]


def without_tables(jpeg: bytes) -> bytes:
    """Cut the Huffman tables out."""
    out, at = jpeg[:2], 2
    while jpeg[at + 1] != 0xDA:
        size = 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xC4:
            out += jpeg[at : at + size]
        at += size
    return out + jpeg[at:]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Camera

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        options = dict(parse_qsl(parts.query))
        self.server.asked.append((parts.path, self.headers.get("Authorization")))
        self.close_connection = True
        try:
            if parts.path == "/page":
                self.answer(200, "text/html; charset=utf-8", b"<html><h1>Camera</h1></html>")
            elif parts.path == "/picture":
                self.answer(200, "image/jpeg", picture(0))
            elif parts.path == "/moved":
                self.send_response(302)
                self.send_header("Location", f"/live?{parts.query}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts.path == "/locked" and not self.knows_basic():
                self.answer(401, "text/plain", b"no", 'Basic realm="camera"')
            elif parts.path == "/digest" and not self.knows_digest():
                self.answer(401, "text/plain", b"no", f'Digest realm="camera", nonce="{_NONCE}", qop="auth"')
            elif parts.path in {"/live", "/locked", "/digest", "/noise"}:
                self.stream(options, noise=parts.path == "/noise")
            else:
                self.answer(404, "text/plain", b"no such thing")
        except OSError:
            return  # the client went away

    def answer(self, status: int, kind: str, body: bytes, challenge: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(body)

    def knows_basic(self) -> bool:
        return self.headers.get("Authorization") == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def knows_digest(self) -> bool:
        """RFC 7616 with MD5 and qop=auth."""
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        secret = md5(f"{USER}:camera:{PASSWORD}")
        asked = md5(f"GET:{said.get('uri', '')}")
        chain = (secret, _NONCE, said.get("nc", ""), said.get("cnonce", ""), "auth", asked)
        return said.get("response") == md5(":".join(chain))

    def stream(self, options: dict[str, str], *, noise: bool) -> None:
        dashed = options.get("boundary", "plain") == "dashed"
        name = "--frame--x" if dashed else "frame"
        delimiter = name if dashed else f"--{name}"  # dashed: as many cameras have it, against RFC 2046
        self.send_response(200)
        kind = "multipart/x-mixed-replace" + ("" if options.get("boundary") == "none" else f"; boundary={name}")
        self.send_header("Content-Type", kind)
        chunked = "chunked" in options
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        asked = time.time()
        limit = {k: asked + float(options.get(k, "inf")) for k in ("stall_after", "close_after", "trickle_after")}
        number = round((asked - self.server.began) * FPS) + 1
        self.send(b"\r\n" if dashed else b"", options, chunked)
        while not self.server.stopping.is_set():
            self.server.stopping.wait(max(0.0, self.server.began + number / FPS - time.time()))
            now = time.time()
            if now >= limit["stall_after"]:
                self.server.stopping.wait()
                return
            if now >= limit["close_after"]:
                return
            jpeg = random.randbytes(2000) if noise else picture(number)
            if options.get("tables") == "0":
                jpeg = without_tables(jpeg)
            if now >= limit["trickle_after"]:
                jpeg = b"not now"
            self.send(part(jpeg, delimiter, options.get("length", "yes")), options, chunked)
            number += 1

    def send(self, data: bytes, options: dict[str, str], chunked: bool) -> None:
        size = int(options.get("slices", "1000000"))
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()


def part(jpeg: bytes, delimiter: str, length: str) -> bytes:
    """Return one part of the stream, with its delimiter in front."""
    said = {"yes": len(jpeg), "short": len(jpeg) - 100, "long": len(jpeg) + 60}.get(length)
    head = f"{delimiter}\r\nContent-Type: image/jpeg\r\n" + (f"Content-Length: {said}\r\n" if said is not None else "")
    return head.encode() + b"\r\n" + jpeg + b"\r\n"


class Camera(ThreadingHTTPServer):
    """The server.

    Attributes:
        began: wall time in seconds of picture 0.
        asked: path and ``Authorization`` of each request.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.began = time.time()
        self.asked: list[tuple[str, str | None]] = []
        self.stopping = threading.Event()

    def url(self, path: str, query: str = "", user: str = "") -> str:
        return f"http://{user + '@' if user else ''}127.0.0.1:{self.server_port}{path}{'?' + query if query else ''}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that go away are what is tested


@contextmanager
def mjpeg_camera() -> Iterator[Camera]:
    """Serve until the end of the block."""
    camera = Camera()
    thread = threading.Thread(target=camera.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        camera.stopping.set()
        camera.shutdown()
        thread.join()
        camera.server_close()
