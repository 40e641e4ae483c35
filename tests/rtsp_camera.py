"""An IP camera for tests: RTSP/1.0 (RFC 2326), RTP interleaved in TCP, a film played for ever, faults to order.

    python tests/rtsp_camera.py PORT NAME=FILM...      prints "ready PORT"; serves rtsp://127.0.0.1:PORT/NAME

H.264 (RFC 6184), H.265 (RFC 7798) and AAC (RFC 3640), RTCP sender reports, Basic authentication
(`user:password@NAME=FILM`). Faults by query: ``?drop_after=S`` closes the connection, ``?stall_after=S`` falls silent
and keeps it open, ``?freeze_after=S`` goes on with reports but without pictures, ``?jump=S@AT`` lets RTP time jump by S
seconds at AT, ``?skew=S`` sets the clock of the sender reports, ``?rubbish=1`` sends noise in place of video,
``?announce=NAME`` describes the film of another mount, ``?then=NAME`` goes on with that of another mount where this one
ends. ``?orders=NAME`` follows a file of JSON beside the film while it plays: ``{"thin": SHARE}`` of its pictures are
left out, keyframes are not; ``{"skew": S}`` as above. Stands alone: standard library and PyAV, nothing of Gatehouse.
"""

from __future__ import annotations

import base64
import json
import random
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import av

NTP_EPOCH_S = 2_208_988_800
MTU = 1400


@dataclass
class Film:
    """The access units of a film, ready to be sent."""

    codec: str
    video: list[tuple[int, int, bool, list[bytes]]]
    sound: list[tuple[int, bytes]]
    length: int
    sdp: str
    sets: list[bytes]
    rate: int = 0
    auth: str | None = None
    name: str = ""
    folder: Path = Path()
    units: list[tuple[float, str, int]] = field(default_factory=list)

    @classmethod
    def load(cls, path: str, auth: str | None = None) -> Film:
        with av.open(path, "r") as container:
            stream = container.streams.video[0]
            audio = next(iter(container.streams.audio), None)
            codec = stream.codec_context.name
            extra = bytes(stream.codec_context.extradata or b"")
            video: list[tuple[int, int, bool, list[bytes]]] = []
            sound: list[tuple[int, bytes]] = []
            for packet in container.demux([stream] if audio is None else [stream, audio]):
                if packet.size == 0 or packet.pts is None or packet.dts is None:
                    continue
                if packet.stream is stream:
                    scale = packet.time_base * 90_000
                    pts, dts = round(packet.pts * scale), round(packet.dts * scale)
                    video.append((pts, dts, packet.is_keyframe, list(split_nals(bytes(packet)))))
                else:
                    sound.append((round(packet.pts * packet.time_base * audio.sample_rate), bytes(packet)))
            length = round(stream.duration * stream.time_base * 90_000)
            sets, fmtp = h264_sets(extra) if codec == "h264" else hevc_sets(extra)
            name = "H264" if codec == "h264" else "H265"
            sdp = f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=fmtp:96 {fmtp}\r\na=control:track0\r\n"
            rate = 0
            if audio is not None:
                rate = audio.sample_rate
                config = bytes(audio.codec_context.extradata or b"").hex()
                sdp += (
                    f"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/{rate}/{audio.layout.nb_channels}\r\n"
                    "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
                    f"indexdeltalength=3;config={config}\r\na=control:track1\r\n"
                )
        film = cls(codec, video, sound, length, sdp, sets, rate, auth)
        film.units = sorted(
            [(dts / 90_000, "v", k) for k, (_, dts, _, _) in enumerate(video)]
            + [(at / rate, "a", k) for k, (at, _) in enumerate(sound)]
        )
        return film


def split_nals(sample: bytes) -> Iterator[bytes]:
    at = 0
    while at + 4 <= len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        yield sample[at + 4 : at + 4 + size]
        at += 4 + size


def h264_sets(avcc: bytes) -> tuple[list[bytes], str]:
    sets, at = [], 6
    for _ in range(avcc[5] & 31):
        size = int.from_bytes(avcc[at : at + 2], "big")
        sets.append(avcc[at + 2 : at + 2 + size])
        at += 2 + size
    at += 1
    size = int.from_bytes(avcc[at : at + 2], "big")
    sets.append(avcc[at + 2 : at + 2 + size])
    text = ",".join(base64.b64encode(s).decode() for s in sets)
    return sets, f"packetization-mode=1;profile-level-id={avcc[1:4].hex()};sprop-parameter-sets={text}"


def hevc_sets(hvcc: bytes) -> tuple[list[bytes], str]:
    names, sets, fields, at = {32: "vps", 33: "sps", 34: "pps"}, [], [], 23
    for _ in range(hvcc[22]):
        kind, count = hvcc[at] & 63, int.from_bytes(hvcc[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(hvcc[at : at + 2], "big")
            nal = hvcc[at + 2 : at + 2 + size]
            at += 2 + size
            if kind in names:
                sets.append(nal)
                fields.append(f"sprop-{names[kind]}={base64.b64encode(nal).decode()}")
    return sets, ";".join(fields)


def payloads(nal: bytes, codec: str) -> Iterator[bytes]:
    """Yield the RTP payloads of a NAL unit: itself, or fragments of it."""
    if len(nal) <= MTU:
        yield nal
        return
    if codec == "h264":
        head, kind, skip = bytes([nal[0] & 0xE0 | 28]), nal[0] & 31, 1
    else:
        head, kind, skip = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 63, 2
    for at in range(skip, len(nal), MTU):
        first, last = at == skip, at + MTU >= len(nal)
        yield head + bytes([kind | first << 7 | last << 6]) + nal[at : at + MTU]


class Orders:
    """What a camera is told while it plays, by a file that need not be there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.thin = self.skew = 0.0
        self._path = folder / name if name else None
        self._looked = -9.0

    def look(self, now: float) -> None:
        """Read them anew, four times a second; ``now`` are the seconds that it plays."""
        if self._path is None or now - self._looked < 0.25:
            return
        self._looked = now
        told = json.loads(self._path.read_text()) if self._path.exists() else {}
        self.thin, self.skew = float(told.get("thin", 0)), float(told.get("skew", 0))


class Session(socketserver.StreamRequestHandler):
    """One client's connection."""

    server: Camera

    def handle(self) -> None:
        self.stop = threading.Event()
        self.sending = threading.Lock()
        try:
            self.serve()
        except (OSError, ValueError):
            pass  # the client went away
        finally:
            self.stop.set()

    def serve(self) -> None:
        channels: dict[str, int] = {}
        faults: dict[str, str] = {}
        film: Film | None = None
        while line := self.rfile.readline():
            if line[:1] == b"$":  # the client's RTCP, interleaved
                self.rfile.read(int.from_bytes((line + self.rfile.read(max(0, 4 - len(line))))[2:4], "big"))
                continue
            if b"RTSP/1.0" not in line:
                continue
            method, url, _ = line.decode().split()
            headers = {}
            while text := self.rfile.readline().decode("latin-1").strip():
                name, _, value = text.partition(":")
                headers[name.lower()] = value.strip()
            parts = urlparse(url)
            found = self.server.films.get(parts.path.strip("/").split("/")[0])
            cseq = f"CSeq: {headers.get('cseq', '0')}"
            if found is not None and found.auth and not self.allowed(headers, found.auth):
                self.reply("401 Unauthorized", cseq, 'WWW-Authenticate: Basic realm="camera"')
            elif method == "OPTIONS":
                self.reply("200 OK", cseq, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
            elif found is None:
                self.reply("404 Not Found", cseq)
            elif method == "DESCRIBE":
                film = found
                faults = {k: v[0] for k, v in parse_qs(parts.query.split("/")[0]).items()}
                announced = self.server.films[faults.get("announce", found.name)]
                sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n" + announced.sdp
                self.reply("200 OK", cseq, f"Content-Base: {url}/", "Content-Type: application/sdp", body=sdp)
            elif method == "SETUP":
                track = "a" if "track1" in url else "v"
                channels[track] = 2 * len(channels)
                pair = f"{channels[track]}-{channels[track] + 1}"
                self.reply(
                    "200 OK", cseq, f"Transport: RTP/AVP/TCP;unicast;interleaved={pair}", "Session: 1;timeout=60"
                )
            elif method == "PLAY" and film is not None:
                self.reply("200 OK", cseq, "Session: 1", "Range: npt=0.000-")
                threading.Thread(target=self.play, args=(film, channels, faults), daemon=True).start()
            else:
                self.reply("200 OK", cseq, "Session: 1")
                if method == "TEARDOWN":
                    return

    @staticmethod
    def allowed(headers: dict[str, str], auth: str) -> bool:
        return headers.get("authorization") == "Basic " + base64.b64encode(auth.encode()).decode()

    def reply(self, status: str, *headers: str, body: str = "") -> None:
        length = [f"Content-Length: {len(body)}"] if body else []
        text = "\r\n".join((f"RTSP/1.0 {status}", *headers, *length)) + "\r\n\r\n" + body
        with self.sending:
            self.connection.sendall(text.encode())

    def send(self, channel: int, packets: list[bytes]) -> None:
        with self.sending:
            self.connection.sendall(b"".join(struct.pack(">BBH", 36, channel, len(p)) + p for p in packets))

    def play(self, film: Film, channels: dict[str, int], faults: dict[str, str]) -> None:
        drop, stall = (float(faults.get(k, "inf")) for k in ("drop_after", "stall_after"))
        freeze = float(faults.get("freeze_after", "inf"))
        jump, at = (float(x) for x in faults.get("jump", "0@inf").split("@"))
        began, wall = time.monotonic(), time.time()
        sys.stdout.write(f"play {film.name} {wall}\n")  # tests compare footage with this
        sys.stdout.flush()
        wall += float(faults.get("skew", "0"))
        orders, thinned = Orders(film.folder, faults.get("orders", "")), 0.0
        state = {t: [random.randrange(65536), random.getrandbits(32), random.getrandbits(32), 0] for t in channels}
        last_report, base = -9.0, 0.0
        try:
            while not self.stop.is_set():
                for due, track, k in film.units:
                    now = due + base
                    if (ahead := now - (time.monotonic() - began)) > 0:
                        time.sleep(ahead)
                    if self.stop.is_set():
                        return
                    if now >= drop:
                        self.connection.shutdown(2)
                        return
                    if now >= stall:
                        self.stop.wait()
                        return
                    if track not in channels:
                        continue
                    orders.look(now)
                    if track == "v" and not film.video[k][2]:
                        thinned += orders.thin
                        if thinned >= 1:
                            thinned -= 1
                            continue
                    if now >= freeze:
                        if now - last_report >= 1 and track == "v":
                            last_report = now
                            self.report(channels, state, film, wall + orders.skew, now, 0)
                        continue
                    rate = 90_000 if track == "v" else film.rate
                    stamp, packets = self.packets(film, track, k, faults)
                    seconds = stamp / rate + base + (jump if now >= at else 0)
                    if now - last_report >= 1 and track == "v":
                        last_report = now
                        far = jump if now >= at else 0
                        self.report(channels, state, film, wall + orders.skew, seconds - far, far)
                    sequence, ssrc, zero, _ = state[track]
                    stamp = zero + round(seconds * rate) & 0xFFFFFFFF
                    out = []
                    for n, payload in enumerate(packets):
                        mark = 0x80 if n == len(packets) - 1 else 0
                        kind = 96 if track == "v" else 97
                        out.append(struct.pack(">BBHII", 0x80, kind | mark, sequence, stamp, ssrc) + payload)
                        sequence = sequence + 1 & 0xFFFF
                    state[track][0] = sequence
                    state[track][3] += len(out)
                    self.send(channels[track], out)
                base += film.length / 90_000
                film = self.server.films[faults.get("then", film.name)]
        except OSError:
            return  # the client went away

    def packets(self, film: Film, track: str, k: int, faults: dict[str, str]) -> tuple[int, list[bytes]]:
        if track == "a":
            stamp, data = film.sound[k]
            return stamp, [struct.pack(">HH", 16, len(data) << 3) + data]
        pts, _, key, nals = film.video[k]
        if "rubbish" in faults:
            return pts, [random.randbytes(200)]
        units = (film.sets if key else []) + nals
        return pts, [p for nal in units for p in payloads(nal, film.codec)]

    def report(
        self,
        channels: dict[str, int],
        state: dict[str, list[int]],
        film: Film,
        wall: float,
        seconds: float,
        jump: float,
    ) -> None:
        """Send a sender report (RFC 3550 section 6.4.1) for each track: wall time and RTP time of one instant."""
        ntp = wall + seconds + NTP_EPOCH_S
        for track, channel in channels.items():
            rate = 90_000 if track == "v" else film.rate
            _, ssrc, zero, count = state[track]
            stamp = zero + round((seconds + jump) * rate) & 0xFFFFFFFF
            fields = (0x80, 200, 6, ssrc, int(ntp), int(ntp % 1 * 2**32), stamp, count, 0)
            self.send(channel + 1, [struct.pack(">BBHIIIIII", *fields)])


class Camera(socketserver.ThreadingTCPServer):
    """The server; ``films`` are its mounts."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, films: dict[str, Film]) -> None:
        self.films = films
        super().__init__(("127.0.0.1", port), Session)


def main() -> None:
    films = {}
    for argument in sys.argv[2:]:
        name, _, path = argument.partition("=")
        auth, _, name = name.rpartition("@")
        films[name] = Film.load(path, auth or None)
        films[name].name, films[name].folder = name, Path(path).parent
    server = Camera(int(sys.argv[1]), films)
    print("ready", server.server_address[1], flush=True)  # noqa: T201 - whoever starts it waits for this
    server.serve_forever()


if __name__ == "__main__":
    main()
