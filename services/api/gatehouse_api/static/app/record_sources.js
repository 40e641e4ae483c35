// Pictures and sound of this device: what there is to choose from, and one stream of what was chosen.

import { explain } from "./record_failures.js";

// Return the cameras and microphones of this device, as [{ id, name }]; names are there once one of them was allowed.
export async function devices(kind) {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const found = all.filter((one) => one.kind === kind && one.deviceId !== "communications");
  return found.map((one, at) => ({ id: one.deviceId, name: one.label || `${kind === "videoinput" ? "Camera" : "Microphone"} ${at + 1}` }));
}

// Open what was chosen; return [{ what, stream }], one for each film that becomes of it, and `close`.
//   kind: camera | screen | both | microphone; camera, microphone: ids, "" is the usual one, microphone null: none;
//   height, fps: wanted; system: the sound of what is shown on the screen, too.
export async function open({ kind, camera = "", microphone = null, height = 720, fps = 30, system = false }) {
  const opened = [];
  const close = () => opened.forEach((stream) => stream.getTracks().forEach((track) => track.stop()));
  const keep = (stream) => (opened.push(stream), stream);
  try {
    const size = { height: { ideal: height }, frameRate: { ideal: fps } };
    // The screen first: browsers want the click of the person for it.
    const screen = kind === "screen" || kind === "both"
      ? keep(await asked(() => navigator.mediaDevices.getDisplayMedia({ video: size, audio: system }), "the screen")) : null;
    const picture = kind === "camera" || kind === "both"
      ? keep(await asked(() => navigator.mediaDevices.getUserMedia({ video: { ...size, ...exactly(camera) } }), "the camera")) : null;
    const spoken = microphone !== null
      ? keep(await asked(() => navigator.mediaDevices.getUserMedia({ audio: { ...exactly(microphone), echoCancellation: true } }), "the microphone")) : null;
    const sound = mixed([screen, spoken].filter((stream) => stream?.getAudioTracks().length), opened);
    const films = [];
    if (screen) films.push({ what: "screen", stream: joined(screen, sound) });
    if (picture) films.push({ what: "camera", stream: joined(picture, screen ? null : sound) });
    if (!films.length) films.push({ what: "microphone", stream: joined(null, sound) });
    return { films, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function asked(ask, what) {
  try {
    return await ask();
  } catch (error) {
    throw new Error(explain(error, what), { cause: error });
  }
}

const exactly = (id) => (id ? { deviceId: { exact: id } } : {});

function joined(pictures, sound) {
  return new MediaStream([...(pictures?.getVideoTracks() ?? []), ...(sound ? [sound] : [])]);
}

// Return one track of what several streams sound like together; null: none of them sounds.
function mixed(streams, opened) {
  if (!streams.length) return null;
  if (streams.length === 1) return streams[0].getAudioTracks()[0];
  const context = new AudioContext(), together = context.createMediaStreamDestination();
  streams.forEach((stream) => context.createMediaStreamSource(stream).connect(together));
  opened.push(together.stream);
  together.stream.getAudioTracks()[0].addEventListener("ended", () => context.close());
  return together.stream.getAudioTracks()[0];
}
