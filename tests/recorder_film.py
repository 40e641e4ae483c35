"""Films as the MediaRecorder of a real Chromium makes them, with the number of each picture burned in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import av
from playwright.sync_api import Browser

from burned_in import luma_number

FORMS = {
    "h264-mp4": "video/mp4;codecs=avc1.42E01E,opus",
    "h264-mkv": "video/webm;codecs=h264,opus",
    "vp9-webm": "video/webm;codecs=vp9,opus",
    "vp8-webm": "video/webm;codecs=vp8,opus",
    "sound": "audio/webm;codecs=opus",
}
# Draws numbered pictures; `tick` is to be called for each.
NUMBERED = """function numbered(width, height) {
  const canvas = document.createElement('canvas'), x = canvas.getContext('2d');
  const side = Math.min(32, Math.floor(width / 40) * 2);
  canvas.width = width; canvas.height = height;
  const track = canvas.captureStream(0).getVideoTracks()[0];
  let n = 0;
  const tick = () => {
    n += 1;
    x.fillStyle = `hsl(${n % 360} 50% 40%)`;
    x.fillRect(0, 0, width, height);
    for (let k = 0; k < 20; k++) { x.fillStyle = (n >> k) & 1 ? '#fff' : '#000'; x.fillRect(k * side, 0, side, side); }
    track.requestFrame();
  };
  tick();
  setInterval(tick, 40);
  return track;
}"""
_RECORD = (
    "async ([forms, seconds]) => {"
    + NUMBERED
    + """
  const context = new AudioContext(), tone = context.createOscillator(), heard = context.createMediaStreamDestination();
  tone.connect(heard); tone.start();
  const sound = heard.stream.getAudioTracks()[0];
  const record = async (type) => {
    const stream = new MediaStream(type.startsWith('audio') ? [sound] : [numbered(320, 180), sound]);
    const wanted = { mimeType: type, videoKeyFrameIntervalDuration: 1000, videoBitsPerSecond: 400000 };
    const recorder = new MediaRecorder(stream, wanted);
    const slices = [], stopped = new Promise((done) => (recorder.onstop = done));
    recorder.ondataavailable = ({ data }) => data.size && slices.push(data);
    recorder.start(1000);
    setTimeout(() => recorder.stop(), seconds * 1000);
    await stopped;
    const url = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(new Blob(slices));
    });
    return url.slice(url.indexOf(',') + 1);
  };
  const films = await Promise.all(Object.values(forms).map(record));
  return Object.fromEntries(Object.keys(forms).map((name, at) => [name, films[at]]));
}"""
)


def recorded(browser: Browser, seconds: float, forms: Mapping[str, str] = FORMS) -> dict[str, bytes]:
    """What MediaRecorders make in so many seconds, all at once, by the names of the forms."""
    page = browser.new_page()
    films = page.evaluate(_RECORD, [dict(forms), seconds])
    page.close()
    return {name: base64.b64decode(film) for name, film in films.items()}


def numbers(path: Path) -> list[int]:
    """The numbers of all pictures of a film, in the order in which they are shown."""
    with av.open(str(path)) as film:
        return [luma_number(frame) for frame in film.decode(video=0)]
