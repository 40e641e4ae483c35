// In which form a browser records: the first of these that it can.

const WITH_PICTURES = [
  "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
  "video/mp4;codecs=avc1.42E01E,opus",
  "video/webm;codecs=h264,opus",
  "video/mp4;codecs=vp9,opus",
  "video/webm;codecs=vp9,opus",
  "video/webm;codecs=vp8,opus",
  "video/webm",
];
const SOUND_ONLY = ["audio/mp4;codecs=mp4a.40.2", "audio/mp4;codecs=opus", "audio/webm;codecs=opus", "audio/webm"];
const BITS_PER_PIXEL = 0.09;
const KEYFRAME_MS = 1000;

export function forms(stream, can = (type) => MediaRecorder.isTypeSupported(type)) {
  const hasSound = stream.getAudioTracks().length > 0;
  const all = stream.getVideoTracks().length ? WITH_PICTURES : SOUND_ONLY;
  return all.map((type) => (hasSound ? type : type.replace(/,(opus|mp4a\.40\.2)$/, ""))).filter(can);
}

// Return a MediaRecorder in a form; a keyframe each second lets the server cut near any moment.
export function recorderOf(stream, type) {
  const { width = 1280, height = 720, frameRate = 30 } = stream.getVideoTracks()[0]?.getSettings() ?? {};
  return new MediaRecorder(stream, {
    mimeType: type,
    videoKeyFrameIntervalDuration: KEYFRAME_MS,
    videoBitsPerSecond: Math.round(Math.max(500_000, width * height * frameRate * BITS_PER_PIXEL)),
    audioBitsPerSecond: 96_000,
  });
}
