"""A camera on 127.0.0.1 by gst-rtsp-server: rtsp_server.py PORT FILM serves the film at /cam, in real time.

Run by the system's Python, which has GStreamer's bindings; prints one line when it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, film = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f'( filesrc location="{film}" ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )'
)
factory.set_shared(True)
server.get_mount_points().add_factory("/cam", factory)
if server.attach(None) == 0:
    raise SystemExit(f"cannot listen on {port}")
sys.stdout.write("listening\n")
sys.stdout.flush()
GLib.MainLoop().run()
