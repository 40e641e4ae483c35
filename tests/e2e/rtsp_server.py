"""A camera on 127.0.0.1 by gst-rtsp-server: rtsp_server.py PORT FILM [SOUND...] serves the film in real time.

Without SOUND, its pictures at /cam, at /jpeg as JPEGs, and at /mpeg4 as MPEG-4 part 2. With it, pictures and sound
at /SOUND for each of pcmu, pcma, g722, opus and aac; the film's own sound is PCM then. Run by the system's Python,
which has GStreamer's bindings; prints one line when it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SOUNDS = {
    "pcmu": "audio/x-raw,rate=8000 ! mulawenc ! rtppcmupay name=pay1 pt=0",
    "pcma": "audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8",
    "g722": "audio/x-raw,rate=16000 ! avenc_g722 ! rtpg722pay name=pay1 pt=9",
    "opus": "audio/x-raw,rate=48000 ! opusenc ! rtpopuspay name=pay1 pt=97",
    "aac": "audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97",
}

Gst.init(None)
port, film, *sounds = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
picture = f'filesrc location="{film}" ! qtdemux name=film film.video_0 ! queue ! h264parse config-interval=-1'
for name in sounds or ["cam"]:
    sound = f" film.audio_0 ! queue ! audioconvert ! audioresample ! {SOUNDS[name]}" if sounds else ""
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {picture} ! rtph264pay name=pay0 pt=96{sound} )")
    factory.set_shared(True)
    server.get_mount_points().add_factory(f"/{name}", factory)
others = {
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "mpeg4": "avenc_mpeg4 bitrate=2000000 ! mpeg4videoparse ! rtpmp4vpay name=pay0 pt=96",
}
for name, coding in others.items() if not sounds else ():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {picture} ! avdec_h264 ! videoconvert ! {coding} )")
    factory.set_shared(True)
    server.get_mount_points().add_factory(f"/{name}", factory)
if server.attach(None) == 0:
    raise SystemExit(f"cannot listen on {port}")
sys.stdout.write("listening\n")
sys.stdout.flush()
GLib.MainLoop().run()
