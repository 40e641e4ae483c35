"""Which service exports which metric: a process shows those of the services that it runs, and no zeros of others."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from . import metrics as m

OF_SERVICES: dict[str, tuple[MetricWrapperBase, ...]] = {
    "capture": (
        m.CAPTURE_UP,
        m.CAPTURE_FRAMES,
        m.CAPTURE_BYTES,
        m.CAPTURE_FPS,
        m.CAPTURE_EXPECTED_FPS,
        m.CAPTURE_DROPPED,
        m.CAPTURE_RECONNECTS,
        m.CAPTURE_LAST_FRAME,
        m.CAPTURE_CLOCK_OFFSET,
        m.CAPTURE_UNDECODABLE,
        m.CAPTURE_SOUND_JUMPS,
        m.KEYFRAME_INTERVAL,
        m.WATCH_DECODED,
        m.WATCH_SHED,
        m.WATCH_DAMAGED,
        m.RECORDING_EXPECTED,
        m.RECORDING_ACTIVE,
        m.RECORDING_HELD_BACK,
        m.RECORDING_EXPECTED_SECONDS,
        m.RECORDING_RECORDED_SECONDS,
        m.RECOVERED_FILES,
        m.SPOOL_BYTES,
        m.SPOOL_FILES,
        m.STORAGE_FREE,
        m.STORAGE_CAPACITY,
        m.STORAGE_FREE_INODES,
        m.STORAGE_WRITE_ERRORS,
    ),
    "segmenter": (
        m.SEGMENTS_WRITTEN,
        m.SEGMENT_BYTES,
        m.SEGMENT_WRITE_SECONDS,
        m.RECORDING_LAST_SEGMENT,
        m.CLIP_LATENCY,
        m.CLIP_EXTRACT_SECONDS,
        m.CLIPS_STORED,
        m.CLIP_FRAMES,
        m.CLIPS_PLANNED,
        m.STORAGE_FREE,
        m.STORAGE_CAPACITY,
        m.STORAGE_FREE_INODES,
        m.STORAGE_WRITE_ERRORS,
    ),
    "indexer": (m.INDEX_LAG, m.RECORDING_GAP_SECONDS),
    "detector": (
        m.DETECTOR_FRAMES,
        m.DETECTOR_LAG,
        m.DETECTOR_SECONDS,
        m.DETECTOR_WORKERS_REPLACED,
        m.PLATE_READS,
        m.PLATE_CONFIDENCE,
        m.PLATE_EVENTS,
    ),
    "janitor": (
        m.RETENTION_ENABLED,
        m.RETENTION_DELETED_OBJECTS,
        m.RETENTION_DELETED_BYTES,
        m.RETENTION_ARCHIVED,
        m.RETENTION_REFUSED,
        m.RETENTION_RESERVE,
        m.RETENTION_LEFT,
        m.RETENTION_TARGET,
        m.JANITOR_LAST_SUCCESS,
        m.HOLDS,
        m.HELD_BYTES,
        m.STORAGE_BYTES,
        m.OLDEST_RECORDING,
        m.CONSISTENCY_ISSUES,
        m.CONSISTENCY_CHECKED,
        m.JOBS,
        m.JOB_SECONDS,
        m.UPLOADS_ACTIVE,
        m.UPLOADS,
    ),
    "transcoder": (m.JOBS, m.JOB_SECONDS, m.JOBS_OPEN, m.JOB_OLDEST_QUEUED),
    "api": (
        m.RECORDING_WANTED,
        m.RECORDING_ALARM,
        m.HTTP_REQUESTS,
        m.HTTP_SECONDS,
        m.HTTP_INFLIGHT,
        m.AUTH_FAILURES,
        m.LIVE_VIEWERS,
        m.LIVE_PLACES,
        m.EVENT_VIEWERS,
        m.WEBHOOK_DELIVERIES,
        m.WEBHOOK_WAITING,
        m.MQTT_CONNECTED,
        m.MQTT_MESSAGES,
        m.WEBHOOK_OLDEST,
        m.UPLOAD_BYTES,
        m.UPLOADS,
    ),
}
"""By service; what is of none of them every process exports."""


def everything() -> list[MetricWrapperBase]:
    """Return every metric there is, in the order in which they are declared."""
    return [one for one in vars(m).values() if isinstance(one, MetricWrapperBase)]


def exporters(metric: MetricWrapperBase) -> list[str]:
    """Return the services that export a metric; none: every process does."""
    return [service for service, theirs in OF_SERVICES.items() if any(one is metric for one in theirs)]


def registry_of(services: Collection[str]) -> CollectorRegistry:
    """Return what a process that runs these services shows: their metrics, and those of processes."""
    shown = CollectorRegistry()
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR, *_shown_by(services)):
        shown.register(collector)
    return shown


def _shown_by(services: Collection[str]) -> Iterator[MetricWrapperBase]:
    for metric in everything():
        theirs = exporters(metric)
        if not theirs or not set(theirs).isdisjoint(services):
            yield metric
