"""What is written on plates: patterns by region, and texts drawn from them.

In a pattern ``L`` is a letter, ``D`` a digit, ``-`` a place where the plate has a gap, a dash, a seal or an emblem;
any other sign stands for itself.
"""

from __future__ import annotations

import numpy as np

from training.alphabet import ALPHABET, DIGITS, LETTERS

PATTERNS: dict[str, tuple[str, ...]] = {
    "us": (
        "LLL-DDDD", "LLLDDDD", "LLL-DDD", "LLLDDD", "DDD-LLL", "DDDLLL", "DLLLDDD", "LLD-LDL", "LLD-DDD", "DDL-DLL",
        "DLL-DDD", "LDD-DLL", "LLDD-DDD", "LLDDDDD", "LL-DDDDD", "LLL-DLD", "DDD-DLL", "DDDDLL", "LDDDDDD", "DDDDDDD",
        "DDDDDD", "DL-LLDDD", "LLLL-DD", "LL-LDDD", "DDD-DDD", "LDDDLL", "DDDD-DDD", "LL-DDLL", "LLLDDL", "DLDDLL",
        "DDDLLLL", "LDLDDDD", "LLDDLL", "LLDDDL", "LDL-DDD", "DLLDDL", "LLL-LLLL", "LL-LLLL", "LLLLLL", "LLLLLD",
        "DDL-DDDD", "LLLLLLL", "LDD-DDDD", "DDDDDL", "DDDDDLL", "DLL-LDD", "LLL-DD", "LLLL-DDD",
    ),
    "eu": (
        "LL-DDDLL", "LL-DDDLL", "LL-DDDLL", "DLD-DDDD", "DLD-DDDD", "LLL-DD-DD", "L-LDDDD", "L-LLDDD", "L-LLDDDD",
        "LL-LLDDD", "LL-LDDD", "LL-LLDDDD", "LLL-LDDD", "LLL-LLDD", "LDD-LLL", "LLDD-LLL", "LL-DDD-LL", "LLDDDLL",
        "DDDD-LLL", "LL-DDDDD", "LLL-DDDD", "LLL-LLDD", "L-DDDDDL", "LLL-DDD", "LL-DDDDDD", "DD-LL-DD", "LL-DD-LL",
        "LDDDDL", "LL-DDDL", "LL-LDDDD", "D-LLL-DDD", "DD-LLL-D", "LL-DDDDL", "LL-DD-LLL", "L-DD-LLL", "LLL-DDD",
        "LLL-DDL", "DDLLDD", "LLDDDDLL", "LL-DDDD", "DDDLL-DD", "LLL-DD", "L-DDDD-LL", "LLL-LDD", "L-LDD", "LL-LDD",
    ),
    "br": ("LLL-DDDD", "LLL-DDDD", "LLLDLDD"),
}  # fmt: skip

WORDS = (  # noqa: SIM905
    "ALABAMA ALASKA ARIZONA ARKANSAS CALIFORNIA COLORADO CONNECTICUT DELAWARE FLORIDA GEORGIA HAWAII IDAHO ILLINOIS "
    "INDIANA IOWA KANSAS KENTUCKY LOUISIANA MAINE MARYLAND MASSACHUSETTS MICHIGAN MINNESOTA MISSISSIPPI MISSOURI "
    "MONTANA NEBRASKA NEVADA NEW-HAMPSHIRE NEW-JERSEY NEW-MEXICO NEW-YORK NORTH-CAROLINA OHIO OKLAHOMA OREGON "
    "PENNSYLVANIA RHODE-ISLAND SOUTH-DAKOTA TENNESSEE TEXAS UTAH VERMONT VIRGINIA WASHINGTON WISCONSIN WYOMING"
).split()
SLOGANS = (  # noqa: SIM905
    "SUNSHINE STATE,GRAND CANYON STATE,SHOW ME STATE,THE EMPIRE STATE,GREAT LAKES,LAND OF LINCOLN,GARDEN STATE,"
    "THE LONE STAR STATE,FIRST IN FLIGHT,LIVE FREE OR DIE,THE NATURAL STATE,10000 lakes,ALOHA STATE,BIRTHPLACE OF "
    "AVIATION,FAMOUS POTATOES,TREASURE STATE,THE LAST FRONTIER,Evergreen State,AMERICA'S DAIRYLAND,CENTENNIAL,MY CITY,"
    "WWW.MYSTATE.COM,AUTO CENTER,TOYOTA,HONDA OF TOWN,CHEVROLET,FORD,moving forward,IT AIN'T EASY,LEGENDS,ENGINEER,"
    "AUTOHAUS,SKODA AUTO,DEALER.SK,AUTO-PALACE,LOU FUSZ,NISSAN"
).split(",")
CITIES = (  # noqa: SIM905
    "BA-SALVADOR,SP-SAO PAULO,RJ-RIO DE JANEIRO,MG-BELO HORIZONTE,ES-VITORIA,DF-BRASILIA,GO-GOIANIA,PR-CURITIBA,"
    "RS-PORTO ALEGRE,BA-CAMACARI,SP-DIADEMA,PE-RECIFE,CE-FORTALEZA,AM-MANAUS,SC-JOINVILLE,BA-LAURO DE FREITAS"
).split(",")
COUNTRIES = "D A F I E B NL L P GR FIN S DK PL CZ SK H SLO HR RO BG LT LV EST IRL GB N CH UA".split()  # noqa: SIM905

_PLAIN = "".join(sign for sign in LETTERS if sign not in "IOQ")
_ALIKE = "0OQD1I8B5S2ZG6VYUJT7AM4"


def draw_text(rng: np.random.Generator, region: str) -> str:
    """Draw what a plate says, with ``-`` where its groups part.

    A quarter of the texts follow no syntax, so that the network reads what it sees, and some of those favour the signs
    that are easily mistaken for each other.
    """
    if region != "br" and rng.random() < 1 / 4:
        return _free(rng, region)
    patterns = PATTERNS[region]
    pattern = patterns[rng.integers(len(patterns))]
    # Most authorities outside Brazil leave out the letters that look like figures, as far as they can.
    letters = LETTERS if region == "br" or rng.random() < 0.4 else _PLAIN
    signs = {"L": letters, "D": DIGITS}
    return "".join(signs[c][rng.integers(len(signs[c]))] if c in signs else c for c in pattern)


def _free(rng: np.random.Generator, region: str) -> str:
    length = int(rng.choice([2, 3, 4, 5, 6, 7, 8], p=[0.02, 0.03, 0.1, 0.15, 0.3, 0.3, 0.1]))
    pool = _ALIKE if rng.random() < 0.4 else (ALPHABET if rng.random() < 0.8 else LETTERS)
    text = "".join(pool[rng.integers(len(pool))] for _ in range(length))
    if length > 3 and rng.random() < (0.6 if region == "us" else 0.8):
        place = int(rng.integers(1, length))
        text = text[:place] + "-" + text[place:]
    return text
