// What the browser keeps of a recording: what of it can be sent, and all of it as a file.

// Return what follows on what the server has, without a gap (`toSend`), where that begins, and whether there is more after
// a gap: bytes that do not follow on what was sent are no film.
export function partsOf(recording, slices) {
  const arrived = recording.arrived ?? 0;
  const missing = slices.filter((slice) => slice.end > arrived);
  const toSend = [];
  for (const slice of missing) {
    if (slice.from > (toSend.at(-1)?.end ?? arrived)) break;
    toSend.push(slice);
  }
  return { toSend, from: toSend[0]?.from ?? arrived, hasGap: toSend.length < missing.length };
}

export const sizeOf = (slices) => slices.reduce((sum, slice) => sum + slice.blob.size, 0);

// Save what is kept as a file. Its beginning is kept to the end, so that whatever follows can be shown.
export function save(recording, slices) {
  const film = new Blob(slices.map((slice) => slice.blob), { type: recording.type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(film);
  link.download = recording.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
