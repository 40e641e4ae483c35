"""The type faces that plates are rendered with: which files, and their signs as bitmaps.

Faces come from Debian's font packages and from ``@fontsource`` packages (see README.md); only the rendering uses them,
and nothing of them is in the weights' folder.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.alphabet import ALPHABET

Mask = NDArray[np.uint8]
logger = logging.getLogger(__name__)

HEIGHT = 44
"""Height of a capital letter in the cached bitmaps, pixels."""
_HANG = 10
_EXTRAS = "abcdefghijklmnopqrstuvwxyz.'"

DEBIAN = (
    "roadgeek/RG2014B", "roadgeek/RG2014C", "roadgeek/RG2014D", "roadgeek/RG2014E", "roadgeek/RG2014EM",
    "roadgeek/RG2014F",
    "opendin/OSP-DIN", "osifont/osifont", "routed-gothic/routed-gothic", "routed-gothic/routed-gothic-narrow",
    "routed-gothic/routed-gothic-wide", "league-mono/LeagueMono-CondensedBold", "league-mono/LeagueMono-NarrowBold",
    "league-mono/LeagueMono-SemiBold", "b612/B612-Bold", "b612/B612Mono-Bold", "dejavu/DejaVuSans-Bold",
    "dejavu/DejaVuSansCondensed-Bold", "dejavu/DejaVuSansMono-Bold", "liberation/LiberationSans-Bold",
    "liberation/LiberationSansNarrow-Bold", "liberation/LiberationSans-Regular", "liberation/LiberationMono-Bold",
    "freefont/FreeSansBold", "adf/GilliusADF-BoldCond", "adf/GilliusADF-Bold", "adf/UniversalisADFStd-BoldCond",
    "adf/UniversalisADFStd-Bold", "adf/SwitzeraADF-Bold", "adf/MekanusADFStd-Bold", "lato/Lato-Bold",
    "ocr-b/OCRB",
)  # fmt: skip
FONTSOURCE: dict[str, tuple[int, ...]] = {
    "saira-condensed": (500, 600, 700), "saira-extra-condensed": (600, 700), "saira-semi-condensed": (500, 600),
    "barlow-condensed": (500, 600, 700), "barlow-semi-condensed": (500, 600), "barlow": (500, 600, 700),
    "oswald": (400, 500, 600), "share-tech-mono": (400,), "share-tech": (400,), "overpass": (600, 700),
    "overpass-mono": (600, 700), "rajdhani": (600, 700), "b612-mono": (700,), "archivo-narrow": (500, 600, 700),
    "archivo": (600,), "roboto-condensed": (500, 700), "big-shoulders-display": (600, 700, 800), "bebas-neue": (400,),
    "teko": (400, 500, 600), "pathway-gothic-one": (400,), "fjalla-one": (400,), "league-gothic": (400,),
    "antonio": (500, 600, 700), "anton": (400,), "staatliches": (400,), "pragati-narrow": (700,), "khand": (500, 600),
    "yantramanav": (500, 700), "sofia-sans-extra-condensed": (600, 800), "sofia-sans-condensed": (600, 800),
    "ubuntu-condensed": (400,), "asap-condensed": (500, 700), "encode-sans-condensed": (500, 700),
    "fira-sans-condensed": (500, 600), "fira-sans-extra-condensed": (600, 700), "ibm-plex-sans-condensed": (600,),
    "pt-sans-narrow": (700,), "pt-mono": (400,), "michroma": (400,), "quantico": (700,), "chakra-petch": (500, 600),
    "squada-one": (400,), "advent-pro": (600, 700), "economica": (700,), "francois-one": (400,), "homenaje": (400,),
    "voltaire": (400,), "norwester": (400,), "open-sans-condensed": (700,), "tomorrow": (500, 600), "oxanium": (600,),
    "iceland": (400,), "monda": (700,), "alumni-sans": (600, 700), "jockey-one": (400,), "roboto-mono": (500, 700),
    "dosis": (600, 700), "play": (700,),
}  # fmt: skip
GERMAN = ("OSP-DIN", "RG2014", "barlow", "osifont", "LiberationSans", "yantramanav", "overpass", "FreeSans", "asap")
"""Beginnings of the names of faces that are near the ones on European and Brazilian plates."""


@dataclass(frozen=True)
class TypeFace:
    """One face's signs as bitmaps ``HEIGHT`` high above the line and a little below it."""

    name: str
    glyphs: dict[str, Mask]

    def glyph(self, sign: str, height: int) -> Mask:
        """Give a sign so many pixels high (its hang below the line adds to that)."""
        glyph = self.glyphs[sign]
        if height == HEIGHT:
            return glyph
        scale = height / HEIGHT
        size = (max(2, round(glyph.shape[1] * scale)), max(2, round(glyph.shape[0] * scale)))
        return cv2.resize(glyph, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def font_files(folders: Sequence[Path]) -> list[Path]:
    """Give the files of the listed faces that are below the folders, in the lists' order."""
    found: list[Path] = []
    for stem in DEBIAN:
        found += _first(folders, [f"**/{Path(stem).name}.{ending}" for ending in ("ttf", "otf")])
    for family, weights in FONTSOURCE.items():
        for weight in weights:
            found += _first(folders, [f"**/@fontsource/{family}/files/{family}-latin-{weight}-normal.woff"])
    return found


def _first(folders: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    for folder in folders:
        for pattern in patterns:
            for path in sorted(folder.glob(pattern)):
                return [path]
    logger.warning("font not found: %s", patterns[0])
    return []


def load_faces(files: Sequence[Path]) -> list[TypeFace]:
    """Load the faces whose figures stand as high as their capitals; old-style figures are on no plate."""
    faces = []
    for path in files:
        face = _load(path)
        if face is None:
            logger.warning("face left out: %s", path.name)
        else:
            faces.append(face)
    return faces


def _load(path: Path) -> TypeFace | None:
    probe = ImageFont.truetype(str(path), 100)
    top, bottom = probe.getbbox("H", anchor="ls")[1], probe.getbbox("H", anchor="ls")[3]
    font = ImageFont.truetype(str(path), max(8, round(100 * HEIGHT / (bottom - top))))
    glyphs = {}
    for sign in ALPHABET + _EXTRAS:
        left, high, right, low = (round(edge) for edge in font.getbbox(sign, anchor="ls"))
        if sign in ALPHABET and not 0.85 * HEIGHT < -high < 1.15 * HEIGHT:
            return None
        picture = Image.new("L", (right - left + 2, HEIGHT + _HANG))
        ImageDraw.Draw(picture).text((1 - left, HEIGHT), sign, fill=255, font=font, anchor="ls")
        glyphs[sign] = np.asarray(picture)
        if low > _HANG and sign not in "QJ" and sign in ALPHABET:
            return None
    return TypeFace(path.stem, glyphs)
