// What the server tells of (GET /api/v1/events/stream): an EventSource hears only what it was asked for by name.
export const EVENT_NAMES = [
  "plate.detected", "plate.updated", "plate.closed", "plate.corrected", "plate.listed", "clip.ready", "clip.failed",
  "camera.online", "camera.offline", "camera.starting", "camera.disabled",
  "recording.started", "recording.stopped", "recording.failed",
  "job.changed", "job.done", "job.failed", "job.cancelled", "reset",
];
