"""The SQL index: the database, its records, and the repositories."""

from .aged_files import AgedFiles, FileClass
from .api_tokens import TokenRecord, Tokens
from .audit import Audit, Deed, Entry
from .blob_rows import AddedBlob, NewBlob
from .browser_sessions import BrowserSessions, Received
from .cameras import CameraRepository
from .chunk_days import ChunkDay, ChunkDays
from .clips import ClipRepository
from .coverage_reader import CoverageReader, present_cause
from .deletions import Deletion, DeletionReason, Deletions
from .deliveries import Deliveries
from .engine import Database
from .facts import Facts
from .footage import FootageReader
from .former_users import FormerUser, FormerUsers, NamedAlone, Whose
from .hand_over import Handed, HandOver
from .holds import Hold, HoldRepository
from .inventory import Inventory, InventoryWriter
from .job_queue import JobQueue
from .jobs import Job, JobRepository, JobsSeen
from .kept_answers import KeptAnswer, KeptAnswers
from .leases import Lease, LeaseRepository, Member, Sight
from .ledger import FootageWriter
from .login_attempts import LoginAttempts
from .logins import Login, Logins
from .media_descriptions import AnotherMedium, MediaDescriptions, WholeMedium
from .media_exports import MediaExports
from .media_intake import take_in
from .media_inventory import MediaInventory
from .media_jobs import MediaJobs
from .media_library import MediaLibrary, MediaQuery, MediaTotals
from .media_records import Media, MediaFile, Piece, Upload
from .media_trash import MediaTrash
from .media_work import MediaWork
from .people_stats import PeopleStats, PersonSums
from .plate_listings import PlateListings
from .plate_looks import PlateLooks
from .plate_reader import PlateReader
from .plate_records import Clip, ClipQuery, ClipStats, Match, PlateEvent, PlateQuery, PlateReadRecord
from .plate_retention import PlateRetention
from .plate_stats import PlateStats
from .plate_times import PlateTime, plate_times
from .plates import PlateWriter
from .records import Camera, Chunk, Day, Gap, Run, Timeline
from .retention import ClipTotals, Kept, RetentionReader
from .session_files import BROWSER, FileQuery, FileTotals, SessionFiles
from .session_inventory import SessionInventory
from .session_records import RecorderSession, SessionChunk
from .session_trash import SessionTrash, TrashedFile
from .sessions import Also, RecorderSessions
from .share_links import ShareLink, ShareLinks
from .timeline import TimelineReader
from .upload_upkeep import UploadUpkeep
from .uploads import OffsetMismatch, Totals, Uploads
from .users import User, Users
from .viewings import Viewing, ViewingQuery, Viewings, Watcher
from .visible import OF_NO_CAMERA, Visible
from .watch_entries import EntryFields, WatchEntries, said_of
from .watch_lists import WatchLists
from .watch_records import Listing, TableChange, WatchEntry, WatchList, WatchMatch
from .watched_plates import WatchedPlates
from .webhook_records import Delivery, Webhook
from .webhooks import Webhooks

__all__ = [
    "BROWSER",
    "OF_NO_CAMERA",
    "AddedBlob",
    "AgedFiles",
    "Also",
    "AnotherMedium",
    "Audit",
    "BrowserSessions",
    "Camera",
    "CameraRepository",
    "Chunk",
    "ChunkDay",
    "ChunkDays",
    "Clip",
    "ClipQuery",
    "ClipRepository",
    "ClipStats",
    "ClipTotals",
    "CoverageReader",
    "Database",
    "Day",
    "Deed",
    "Deletion",
    "DeletionReason",
    "Deletions",
    "Deliveries",
    "Delivery",
    "Entry",
    "EntryFields",
    "Facts",
    "FileClass",
    "FileQuery",
    "FileTotals",
    "FootageReader",
    "FootageWriter",
    "FormerUser",
    "FormerUsers",
    "Gap",
    "HandOver",
    "Handed",
    "Hold",
    "HoldRepository",
    "Inventory",
    "InventoryWriter",
    "Job",
    "JobQueue",
    "JobRepository",
    "JobsSeen",
    "Kept",
    "KeptAnswer",
    "KeptAnswers",
    "Lease",
    "LeaseRepository",
    "Listing",
    "Login",
    "LoginAttempts",
    "Logins",
    "Match",
    "Media",
    "MediaDescriptions",
    "MediaExports",
    "MediaFile",
    "MediaInventory",
    "MediaJobs",
    "MediaLibrary",
    "MediaQuery",
    "MediaTotals",
    "MediaTrash",
    "MediaWork",
    "Member",
    "NamedAlone",
    "NewBlob",
    "OffsetMismatch",
    "PeopleStats",
    "PersonSums",
    "Piece",
    "PlateEvent",
    "PlateListings",
    "PlateLooks",
    "PlateQuery",
    "PlateReadRecord",
    "PlateReader",
    "PlateRetention",
    "PlateStats",
    "PlateTime",
    "PlateWriter",
    "Received",
    "RecorderSession",
    "RecorderSessions",
    "RetentionReader",
    "Run",
    "SessionChunk",
    "SessionFiles",
    "SessionInventory",
    "SessionTrash",
    "ShareLink",
    "ShareLinks",
    "Sight",
    "TableChange",
    "Timeline",
    "TimelineReader",
    "TokenRecord",
    "Tokens",
    "Totals",
    "TrashedFile",
    "Upload",
    "UploadUpkeep",
    "Uploads",
    "User",
    "Users",
    "Viewing",
    "ViewingQuery",
    "Viewings",
    "Visible",
    "WatchEntries",
    "WatchEntry",
    "WatchList",
    "WatchLists",
    "WatchMatch",
    "WatchedPlates",
    "Watcher",
    "Webhook",
    "Webhooks",
    "WholeMedium",
    "Whose",
    "plate_times",
    "present_cause",
    "said_of",
    "take_in",
]
