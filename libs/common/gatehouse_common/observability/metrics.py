"""Every metric that Gatehouse exports, with its unit and meaning. Labels are few: never a plate, user or file."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types; when each counter was made is a second sample for every one, which nobody asks for

BUILD = Info("gatehouse_build", "Version of the running program, and of its Python.")
BUILD.info({"version": version("gatehouse"), "python": python_version()})

# Capture
CAPTURE_UP = Gauge("gatehouse_capture_up", "1 while the camera delivers frames.", ["camera"])
CAPTURE_FRAMES = Counter("gatehouse_capture_frames", "Video frames received.", ["camera"])
CAPTURE_BYTES = Counter("gatehouse_capture_bytes", "Bytes of video and audio written, in whole GOPs.", ["camera"])
CAPTURE_FPS = Gauge("gatehouse_capture_fps", "Frames per second, measured.", ["camera"])
CAPTURE_EXPECTED_FPS = Gauge(
    "gatehouse_capture_fps_expected",
    "Frames per second asked of a device, or stated by the camera; 0: it states none.",
    ["camera"],
)
CAPTURE_DROPPED = Counter("gatehouse_capture_frames_dropped", "Frames of those expected that did not come.", ["camera"])
CAPTURE_RECONNECTS = Counter("gatehouse_capture_reconnects", "Connections that were lost.", ["camera", "reason"])
CAPTURE_LAST_FRAME = Gauge(
    "gatehouse_capture_last_frame_timestamp_seconds",
    "Wall time of the last frame, seconds since 1970.",
    ["camera"],
)
CAPTURE_CLOCK_OFFSET = Gauge(
    "gatehouse_capture_clock_offset_seconds",
    "Camera's clock minus ours, where the camera tells it.",
    ["camera"],
)
CAPTURE_UNDECODABLE = Counter(
    "gatehouse_capture_frames_undecodable",
    "Frames not recorded for want of those they refer to: before a connection's first keyframe, or leading a run's.",
    ["camera"],
)
CAPTURE_SOUND_JUMPS = Counter(
    "gatehouse_capture_sound_jumps",
    "Times that the camera's sound was not of the time of its pictures any more, and was put beside them again.",
    ["camera"],
)
KEYFRAME_INTERVAL = Gauge(
    "gatehouse_keyframe_interval_seconds",
    "Length of the group of pictures written last, as far as it is: what live view and detectors wait for.",
    ["camera"],
)
WATCH_DECODED = Counter(
    "gatehouse_watch_pictures_decoded",
    "Pictures decoded to look at them: keyframes alone (`look`), or one after the other (`follow`).",
    ["camera", "kind"],
)
WATCH_SHED = Counter(
    "gatehouse_watch_pictures_shed",
    "Pictures that detectors should have got and did not, for want of time to decode them (`behind`, `slower`).",
    ["camera", "reason"],
)
WATCH_DAMAGED = Counter(
    "gatehouse_watch_pictures_damaged",
    "Pictures that could not be decoded to look at them; they are recorded all the same.",
    ["camera"],
)
NOTICES_PENDING = Gauge("gatehouse_outbox_pending", "Notices that wait for the bus to take them.")

# Recording
RECORDING_EXPECTED = Gauge("gatehouse_recording_expected", "1 if the camera should be recording.", ["camera"])
RECORDING_ACTIVE = Gauge("gatehouse_recording_active", "1 if it is recording.", ["camera"])
RECORDING_WANTED = Gauge(
    "gatehouse_recording_wanted",
    "1 if the camera should be recording, as the api knows from the index: also while no recorder is there to say so.",
    ["camera"],
)
RECORDING_ALARM = Gauge(
    "gatehouse_recording_alarm",
    "1 while a camera should be recorded and is not, as the api sees it: also where whoever recorded it is gone.",
    ["camera"],
)
RECORDING_HELD_BACK = Gauge(
    "gatehouse_recording_held_back", "1 while a camera is not recorded so that there is room for others.", ["camera"]
)
RECORDING_EXPECTED_SECONDS = Counter(
    "gatehouse_recording_expected_seconds",
    "Seconds in which a camera should have been recorded, as they go.",
    ["camera"],
)
RECORDING_RECORDED_SECONDS = Counter(
    "gatehouse_recording_recorded_seconds",
    "Seconds of video written, as parts are, without pauses of the camera; by those expected: coverage.",
    ["camera"],
)
RECORDING_GAP_SECONDS = Counter(
    "gatehouse_recording_gap_seconds",
    "Seconds that should have been recorded and were not: told when a gap has ended, with its causes.",
    ["camera", "cause"],
)
SEGMENTS_WRITTEN = Counter("gatehouse_segments_written", "Chunks published to the store.", ["camera"])
SEGMENT_BYTES = Counter("gatehouse_segment_bytes", "Bytes of chunks published to the store.", ["camera"])
SEGMENT_WRITE_SECONDS = Histogram(
    "gatehouse_segment_write_seconds",
    "Seconds that it took to make a chunk an object of the store.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120),
)
RECOVERED_FILES = Counter("gatehouse_recovered_files", "Files adopted after a crash, by result.", ["result"])
SPOOL_BYTES = Gauge("gatehouse_spool_bytes", "Bytes in the spool: being written, or not yet stored and indexed.")
SPOOL_FILES = Gauge("gatehouse_spool_files", "Files in the spool; as many as cameras record when nothing waits.")
RECORDING_LAST_SEGMENT = Gauge(
    "gatehouse_recording_last_segment_timestamp_seconds",
    "Wall time at which the chunk stored last ends, seconds since 1970.",
    ["camera"],
)

# Pipeline
MESSAGES_PUBLISHED = Counter("gatehouse_messages_published", "Durable messages journalled.", ["type"])
MESSAGES_CONSUMED = Counter(
    "gatehouse_messages_consumed", "Durable messages handled, by outcome.", ["queue", "outcome"]
)
MESSAGE_TROUBLES = Counter(
    "gatehouse_message_troubles", "Times that a message could not be taken, or its outcome not written down.", ["queue"]
)
MESSAGES_DEAD = Counter("gatehouse_dead_lettered", "Messages that became dead letters.", ["queue"])
MESSAGES_DROPPED = Counter("gatehouse_messages_dropped", "Transient messages dropped, slow reader.", ["type"])
MESSAGES_REDELIVERED = Counter("gatehouse_redelivered", "Times that a durable message was handed out again.", ["queue"])
MESSAGE_LATENCY = Histogram(
    "gatehouse_message_latency_seconds",
    "Seconds from when a durable message was made until it was handled; of a queue, all its partitions together.",
    ["queue"],
    buckets=(0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120, 600),
)
QUEUE_DEPTH = Gauge(
    "gatehouse_queue_depth", "Messages that wait in a durable queue that is read here, or are in hand.", ["queue"]
)
QUEUE_OLDEST_AGE = Gauge(
    "gatehouse_queue_oldest_age_seconds",
    "Age of the message in hand, which is the oldest of its queue; 0: there is none.",
    ["queue"],
)
BUS_CONNECTED = Gauge(
    "gatehouse_bus_connected",
    "1 while there is a connection to the broker, by what for, and it takes what a `publisher` sends.",
    ["role"],
)
BUS_OUTBOX = Gauge(
    "gatehouse_bus_outbox_messages", "Messages on this machine's disk that the broker has not confirmed."
)
BUS_OUTBOX_REFUSED = Counter("gatehouse_bus_outbox_refused", "Messages that the outbox had no room for.")
LEASES_HELD = Gauge("gatehouse_leases_held", "Parts of a shared work that are this process's to do.", ["work"])
LEASES_TAKEN_OVER = Counter(
    "gatehouse_leases_taken_over", "Leases taken from members that gave no sign of life.", ["work"]
)
INDEX_LAG = Gauge("gatehouse_index_lag_seconds", "Age of the message that the indexer handled last.")
SERVICE_RESTARTS = Counter("gatehouse_service_restarts", "Times a service failed and was started again.", ["service"])

# Detection
DETECTOR_FRAMES = Counter(
    "gatehouse_detector_frames", "Pictures that detectors got, by what became of them.", ["camera", "outcome"]
)
DETECTOR_LAG = Gauge("gatehouse_detector_lag_seconds", "Age of the picture that a detector got last.", ["camera"])
DETECTOR_SECONDS = Histogram(
    "gatehouse_detector_inference_seconds",
    "Seconds that a picture took, by stage of reading.",
    ["stage"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
DETECTOR_WORKERS_REPLACED = Counter(
    "gatehouse_detector_workers_replaced", "Reading processes that were replaced, by why.", ["reason"]
)
PLATE_READS = Counter("gatehouse_plate_reads", "Plates read on single pictures, by outcome.", ["camera", "outcome"])
PLATE_CONFIDENCE = Histogram(
    "gatehouse_plate_confidence",
    "Confidence of reads.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
)
PLATE_EVENTS = Counter("gatehouse_plate_events", "Visits of plates that were opened.", ["camera"])

# Clips
CLIP_LATENCY = Histogram(
    "gatehouse_clip_latency_seconds",
    "Seconds from when a clip's last frame was due until the clip could be played.",
    buckets=(0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 5, 10, 30, 60),
)
CLIPS_STORED = Counter("gatehouse_clips", "Clips of plate events, by outcome.", ["camera", "outcome"])
CLIP_FRAMES = Counter("gatehouse_clip_frames", "Frames in the clips that were stored.", ["camera"])
CLIPS_PLANNED = Gauge("gatehouse_clips_planned", "Clips that wait for their end, or for their footage.")

CLIP_EXTRACT_SECONDS = Histogram(
    "gatehouse_clip_extract_seconds",
    "Seconds that it took to cut a file out of the footage and put it into the store, by kind: `event` or `session`.",
    ["kind"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120),
)

# Storage
STORAGE_FREE = Gauge(
    "gatehouse_storage_free_bytes",
    "Free bytes of a storage root: `store`, `spool`, or `work`, the folder of a segmenter beside a bucket.",
    ["root"],
)
STORAGE_CAPACITY = Gauge("gatehouse_storage_capacity_bytes", "Size in bytes of a storage root.", ["root"])
STORAGE_FREE_INODES = Gauge("gatehouse_storage_free_inodes", "Files that a storage root can still take.", ["root"])
STORAGE_WRITE_ERRORS = Counter("gatehouse_storage_write_errors", "Writes of footage that failed.", ["root"])
for _root in ("spool", "store"):
    STORAGE_WRITE_ERRORS.labels(_root)  # from 0 on: an increase is only seen from something

RETENTION_DELETED_OBJECTS = Counter(
    "gatehouse_retention_deleted_objects", "Objects deleted, by class and why.", ["class", "reason"]
)
RETENTION_DELETED_BYTES = Counter(
    "gatehouse_retention_deleted_bytes", "Bytes of objects deleted, by class and why.", ["class", "reason"]
)
RETENTION_ARCHIVED = Counter("gatehouse_retention_archived", "Clips archived for their age.")
RETENTION_REFUSED = Counter("gatehouse_retention_refused", "Times that the store did not delete an object.")
RETENTION_RESERVE = Gauge("gatehouse_retention_reserve_bytes", "Bytes of the store's disk that are kept free.")
JANITOR_LAST_SUCCESS = Gauge(
    "gatehouse_janitor_last_success_timestamp_seconds",
    "When everything that should go had gone, seconds since 1970.",
)
HOLDS = Gauge("gatehouse_holds", "Holds that hold something.")
HELD_BYTES = Gauge("gatehouse_held_bytes", "Bytes of recordings, clips and media that are on hold.")
STORAGE_BYTES = Gauge(
    "gatehouse_storage_bytes",
    "Bytes of what is stored, by class and camera; of clips, of all cameras together.",
    ["class", "camera"],
)
OLDEST_RECORDING = Gauge(
    "gatehouse_oldest_recording_age_seconds",
    "Age of the oldest recording of a camera that is not on hold; 0: it is recorded, and nothing else is left.",
    ["camera"],
)
RETENTION_TARGET = Gauge(
    "gatehouse_retention_target_seconds", "How old recordings of a camera shall become; 0: any age.", ["camera"]
)
RETENTION_LEFT = Gauge(
    "gatehouse_retention_left_seconds", "Seconds until the disk is filled up to its reserve, at the present rate."
)
RETENTION_ENABLED = Gauge(
    "gatehouse_retention_enabled", "1 if what is too old, or in the way, is to be deleted: by this process or another."
)

# Upkeep
CONSISTENCY_ISSUES = Gauge(
    "gatehouse_consistency_issues", "What differs between index and store, by the last check.", ["kind"]
)
CONSISTENCY_CHECKED = Gauge(
    "gatehouse_consistency_last_check_timestamp_seconds",
    "When a check of all, or of what is new, last came to its end, seconds since 1970.",
    ["scope"],
)
JOBS = Counter("gatehouse_jobs", "Jobs that ended, by how.", ["kind", "state"])
JOB_SECONDS = Histogram(
    "gatehouse_job_seconds", "Seconds that a job took.", ["kind"], buckets=(0.1, 1, 10, 60, 600, 3600, 6 * 3600)
)

JOBS_OPEN = Gauge(
    "gatehouse_jobs_open",
    "Jobs of media that may be begun (`queued`), wait for what they need until a time (`later`), or are "
    "done at the moment (`running`). Each transcoder tells of those of all.",
    ["kind", "state"],
)
JOB_OLDEST_QUEUED = Gauge("gatehouse_job_oldest_queued_seconds", "Age of the oldest job of media that waits.")

# API
HTTP_REQUESTS = Counter("gatehouse_http_requests", "Requests answered.", ["route", "method", "code"])
HTTP_SECONDS = Histogram("gatehouse_http_request_seconds", "Seconds to the first byte of the answer.", ["route"])
HTTP_INFLIGHT = Gauge("gatehouse_http_inflight", "Requests being answered.", ["kind"])
AUTH_FAILURES = Counter(
    "gatehouse_auth_failures",
    "Times that somebody was not let in: a wrong `password`, a `token` that is not good, a `proxy` that nobody trusts, "
    "or after too many wrong guesses (`throttled`).",
    ["reason"],
)
for _reason in ("password", "token", "proxy", "throttled"):
    AUTH_FAILURES.labels(_reason)
LIVE_VIEWERS = Gauge(
    "gatehouse_live_viewers", "Open live views, by camera: one that shows several is one of each.", ["camera", "kind"]
)
LIVE_PLACES = Gauge(
    "gatehouse_live_places_taken", "Open live views, of one camera or of several: at most `api.max_live_viewers`."
)
EVENT_VIEWERS = Gauge("gatehouse_event_viewers", "Pages and programs that are being told of events.")
WEBHOOK_DELIVERIES = Counter(
    "gatehouse_webhook_deliveries",
    "Times that a webhook was told of an event, by what came of it: `delivered`, `retried` later, `failed` for good, "
    "`withdrawn` before it was told: the plate is not on the list any more, or is told to be so anew.",
    ["outcome"],
)
for _outcome in ("delivered", "retried", "failed", "withdrawn"):
    WEBHOOK_DELIVERIES.labels(_outcome)
WEBHOOK_WAITING = Gauge("gatehouse_webhook_deliveries_waiting", "Events that webhooks are still to be told of.")
WEBHOOK_OLDEST = Gauge(
    "gatehouse_webhook_oldest_waiting_seconds",
    "How long the oldest event waits that a webhook that is active is still to be told of; 0: none does.",
)

# MQTT
MQTT_CONNECTED = Gauge("gatehouse_mqtt_connected", "Whether this process is connected to the MQTT broker that is set.")
MQTT_MESSAGES = Counter(
    "gatehouse_mqtt_messages",
    "Messages to the MQTT broker: `sent` on their way, or `left_out` as it was away or they are too large.",
    ["outcome"],
)
for _outcome in ("sent", "left_out"):
    MQTT_MESSAGES.labels(_outcome)

# Uploads
UPLOAD_BYTES = Counter("gatehouse_upload_bytes", "Bytes of uploads that were received and are durable.")
UPLOADS_ACTIVE = Gauge(
    "gatehouse_uploads_active", "Uploads that were begun and have not ended, as the janitor sees it."
)
UPLOADS = Counter("gatehouse_uploads", "Uploads that ended, by how.", ["outcome"])
