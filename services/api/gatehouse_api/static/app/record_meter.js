// How loud a stream is, ten times a second; and whether it has been silent for long.

const LOOK_MS = 100;
const SILENT_S = 5;
const SILENCE = 0.004;

// Show loudness in a <meter> of 0 to 1; `tell(true)` when nothing was heard for 5 s, `tell(false)` when something is. Return
// what ends it; null: there is no sound in the stream.
export function measure(stream, shown, tell) {
  if (!stream.getAudioTracks().length) return null;
  const context = new AudioContext(), analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let heard = performance.now(), isSilent = false;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    shown.value = Math.min(1, loudness * 4);
    if (loudness > SILENCE) heard = performance.now();
    const silent = performance.now() - heard > SILENT_S * 1000;
    if (silent !== isSilent) tell((isSilent = silent));
  }, LOOK_MS);
  return () => (clearInterval(timer), context.close(), (shown.value = 0));
}
