"""The text that goes with an export: how anybody verifies it, without this program."""

from __future__ import annotations

from gatehouse_common.timefmt import rfc3339

from .manifest import CLIP, MANIFEST, PUBLIC_KEY, SIGNATURE


def readme(camera: str, start_us: int, end_us: int, clip_sha256: str, fingerprint: str) -> bytes:
    """Return the text, for a clip of ``[start_us, end_us)`` of a camera."""
    return f"""\
Footage of camera {camera}, {rfc3339(start_us)} to {rfc3339(end_us)}, exported by Gatehouse.

  {CLIP}        the footage
  {MANIFEST}   what it is: range, gaps and their causes, hashes, the recorder's own digests
  {SIGNATURE}    Ed25519 signature of {MANIFEST}, 64 bytes
  {PUBLIC_KEY}  the key that it is verified with

To verify it with Gatehouse (no recorder, no network):

  gatehouse verify FILE.zip --key known_key.pem

To verify it without: unpack it, and in the folder with the files

1. Is the manifest what was signed? It must say "Signature Verified Successfully".

  openssl pkeyutl -verify -rawin -pubin -inkey {PUBLIC_KEY} -in {MANIFEST} -sigfile {SIGNATURE}

2. Is the clip what the manifest says? It must say "OK", and the same hash must stand in {MANIFEST} at "clip".

  echo "{clip_sha256}  {CLIP}" | sha256sum -c

3. Whose key is it?

  openssl pkey -pubin -in {PUBLIC_KEY} -outform DER | sha256sum

must print the fingerprint that the recorder's owner told you by another way than this file:

  {fingerprint}

The key in this file proves that nothing in it was changed since it was signed. It does not prove who signed:
whoever changes the footage can put a key and a signature of his own beside it. Only step 3 does. The owner of
the recorder finds the fingerprint with `gatehouse signing-key`.
""".encode()
