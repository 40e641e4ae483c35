// The page of the extension: what is asked for, the recorder, and how far it is.

import { BlobUpload } from "./blobs.js";

const SLICE_MS = 1000;
const TYPES = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm"];
const KEPT = ["server", "token", "username", "audio"];

const form = document.getElementById("form");
const start = document.getElementById("start");
const stop = document.getElementById("stop");
const state = document.getElementById("state");
const preview = document.getElementById("preview");

const field = (name) => form.elements.namedItem(name);
const say = (text) => { state.textContent = text; };
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function remember() {
  const kept = Object.fromEntries(KEPT.map((name) => [name, name === "audio" ? field(name).checked : field(name).value]));
  await chrome.storage.local.set(kept);
}

async function recall() {
  const kept = await chrome.storage.local.get(KEPT);
  for (const name of KEPT) {
    if (name === "audio") field(name).checked = kept.audio ?? false;
    else field(name).value = kept[name] ?? "";
  }
  field("filename").value = `screen ${new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".")}`;
}

function explain(error) {
  if (error.name === "NotAllowedError") return "No screen was chosen, or this browser may not record it.";
  if (error.name === "NotFoundError") return "There is nothing that could be recorded.";
  return error.message;
}

async function record() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: field("audio").checked });
  const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
  const recorder = new MediaRecorder(stream, { mimeType: type, videoKeyFrameIntervalDuration: SLICE_MS });
  let refuse;
  const refused = new Promise((_, failed) => { refuse = failed; });
  const upload = new BlobUpload({
    refused: refuse,
    server: field("server").value,
    token: field("token").value,
    username: field("username").value,
    filename: field("filename").value,
    told: ({ sent, waiting, trouble }) => say(trouble ?? `Recording: ${megabytes(sent)} sent, ${megabytes(waiting)} wait.`),
  });
  recorder.ondataavailable = ({ data }) => { if (data.size) upload.add(data); };
  const ended = new Promise((done, failed) => {
    recorder.onstop = done;
    recorder.onerror = ({ error }) => failed(error);
  });
  stop.onclick = () => recorder.stop();
  stream.getVideoTracks()[0].onended = () => { if (recorder.state !== "inactive") recorder.stop(); };
  preview.srcObject = stream;
  preview.hidden = false;
  stop.disabled = false;
  window.onbeforeunload = (event) => event.preventDefault();
  recorder.start(SLICE_MS);
  try {
    await Promise.race([ended, refused]);
    stop.disabled = true;
    say("What is left is sent...");
    const told = await upload.finish();
    say(told.msg);
  } finally {
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    window.onbeforeunload = null;
    preview.hidden = true;
    preview.srcObject = null;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  start.disabled = true;
  try {
    await remember();
    await record();
  } catch (error) {
    say(explain(error));
  } finally {
    start.disabled = false;
    stop.disabled = true;
  }
});

recall();
