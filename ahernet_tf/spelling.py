"""Names that mean the same and are spelt a little differently: found, and paired.

Files that belong together are often made by different hands: `Whisk` in a table is
`whisk` among the folders, `cake.mp4` is `cake`, a label copied from a web page ends in
a blank that nobody sees. Such names are never joined in silence; they are told.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from typing import Any

_ENDINGS = re.compile(
    r"\.(mp4|mkv|webm|avi|mov|m4v|mpg|mpeg|wmv|flv|ts|3gp|gif|npy|npz|pt|csv|json)$"
)
_NAMED_PAIRS = 5
_SUBSETS = {
    "training": ("train", "training", "trn", "trainset", "trainingset"),
    "validation": ("val", "valid", "validate", "validation", "validationset", "valset"),
    "test": ("test", "tst", "testset"),
    "testing": ("testing",),
}
_SUBSET_OF = {name: subset for subset, names in _SUBSETS.items() for name in names}


def plain(name: str) -> str:
    """Returns a name without what spellings of the same name differ in.

    That is case, Unicode form, invisible characters, blanks and their substitutes,
    the ending of a file, a leading `v_`. A blank between two letters counts for
    nothing; beside a digit it does (`p1_0` is not `p10`).
    """
    text = str(name)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = canonical_video_id(_ENDINGS.sub("", text.strip().casefold()))
    text = re.sub(r"[\s_\-]+", "_", text)
    text = re.sub(r"^_+(?=\D)|_+$", "", text) or text
    return re.sub(r"(?<=[^\W\d_])_(?=[^\W\d_])", "", text)


def canonical_video_id(video: Any) -> str:
    """Returns the id without any leading `v_`, the form in which videos are compared.

    ActivityNet's ids are written with the prefix in some files and without it in
    others, and two of its YouTube ids begin with `v_` themselves (`v_UmAH95xls`);
    dropping every leading `v_` gives all spellings of a video the same name.
    """
    video = str(video)
    while video.startswith("v_") and len(video) > 2:
        video = video[2:]
    return video


def near_pairs(names: Iterable[str], others: Collection[str]) -> list[tuple[str, str]]:
    """Pairs each name that is not among others with one that is spelt nearly so."""
    known = set(others)
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    by_plain = {plain(other): other for other in others} if unknown else {}
    return [(n, by_plain[plain(n)]) for n in unknown if plain(n) in by_plain]


def twins(
    names: Iterable[str], key: Callable[[str], str] = plain
) -> list[tuple[str, str]]:
    """Pairs names of one list that are spelt nearly alike: the later, the earlier.

    Args:
        names: The list.
        key: Returns what the spellings of one name share.
    """
    first: dict[str, str] = {}
    pairs = []
    for name in dict.fromkeys(names):
        other = first.setdefault(key(name), name)
        if other != name:
            pairs.append((name, other))
    return pairs


def told_apart(name: str, other: str) -> tuple[str, str]:
    """Quotes two names; with code points where they look alike."""

    def looks(text: str) -> str:
        kept = (c for c in text if unicodedata.category(c) != "Cf")
        return unicodedata.normalize("NFC", "".join(kept))

    if name != other and looks(name) == looks(other):
        return ascii(name), ascii(other)
    return repr(name), repr(other)


def said_of_pairs(pairs: Collection[tuple[str, str]], here: str, there: str) -> str:
    """Writes pairs as "'Whisk' in the table, 'whisk' among the folders; ...".

    Args:
        pairs: Of `near_pairs` or `twins`.
        here: Where the first of each pair is, such as "in the table".
        there: Where the second is.
    """
    pairs = list(pairs)
    said = []
    for pair in pairs[:_NAMED_PAIRS]:
        a, b = told_apart(*pair)
        said.append(f"{a} {here}, {b} {there}")
    if len(pairs) > _NAMED_PAIRS:
        said.append(f"and {len(pairs) - _NAMED_PAIRS} more")
    return "; ".join(said)


def is_subset(text: str) -> bool:
    """Tells whether a text is a spelling of a subset's name."""
    return subset_name(text) in _SUBSETS


@functools.lru_cache(maxsize=1024)
def subset_name(text: str) -> str:
    """Returns `training`, `validation` or `test` for their spellings, others as is."""
    text = str(text).strip()
    return _SUBSET_OF.get(re.sub(r"[\W_]+", "", text.casefold()), text)
