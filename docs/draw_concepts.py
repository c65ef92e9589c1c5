"""Draws the pictures of CONCEPTS.md, as SVG, into docs/images."""

from __future__ import annotations

import pathlib

IMAGES = pathlib.Path(__file__).parent / "images"
WIDTH, HEIGHT = 640, 190
GREY, BLUE, ORANGE, GREEN = "#b8bec7", "#3b73b9", "#e08a2b", "#3a9a63"


def bar(
    x: int, y: int, width: int, colour: str, text: str = "", height: int = 34
) -> str:
    """Returns a bar with a text in it."""
    label = f'<text x="{x + width / 2}" y="{y + height / 2 + 5}">{text}</text>'
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" '
        f'fill="{colour}"/>{label if text else ""}'
    )


def note(x: int, y: int, text: str) -> str:
    """Returns a line of explanation that begins at a point."""
    return f'<text class="note" x="{x}" y="{y}">{text}</text>'


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """Returns an arrow from one point to another."""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#667" '
        'stroke-width="2" marker-end="url(#head)"/>'
    )


def picture(*parts: str) -> str:
    """Returns a whole picture; its ground is light on a dark page, too."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}"><style>text{{font:14px sans-serif;'
        "fill:#fff;text-anchor:middle}.note{fill:#334;text-anchor:start}</style>"
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="6" refY="3" '
        'orient="auto"><path d="M0,0L7,3L0,6z" fill="#667"/></marker></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#f6f7f9"/>'
        + "".join(parts)
        + "</svg>\n"
    )


PICTURES = {
    "concept_moment": picture(
        note(20, 30, "untrimmed video: source classes, annotated in time"),
        bar(20, 42, 600, GREY),
        bar(110, 42, 120, BLUE, "pour"),
        bar(390, 42, 90, BLUE, "stir"),
        note(20, 120, "moments: target classes, trimmed, no times"),
        bar(20, 132, 90, ORANGE, "whisk"),
        bar(130, 132, 120, ORANGE, "crack egg"),
        bar(270, 132, 80, ORANGE, "whisk"),
    ),
    "concept_foreground": picture(
        bar(20, 20, 600, GREY),
        bar(160, 20, 120, BLUE, "pour"),
        arrow(220, 58, 220, 100),
        note(235, 84, "cut out"),
        bar(160, 106, 120, BLUE, "pour"),
        note(160, 162, "foreground segment"),
        bar(390, 106, 110, ORANGE, "whisk"),
        note(390, 162, "moment: alike, one classifier for both"),
    ),
    "concept_transfer": picture(
        note(20, 30, "segment classifier V"),
        bar(20, 42, 150, BLUE, "source classes"),
        bar(20, 96, 150, ORANGE, "target classes"),
        arrow(175, 59, 265, 78),
        arrow(175, 113, 265, 92),
        bar(270, 68, 90, GREEN, "f"),
        arrow(365, 78, 455, 59),
        arrow(365, 92, 455, 113),
        note(460, 30, "anchor classifier U = f(V)"),
        bar(460, 42, 150, BLUE, "source classes"),
        bar(460, 96, 150, ORANGE, "target classes"),
        note(
            20,
            165,
            "f is learnt on the source classes and applied to the target classes.",
        ),
    ),
    "concept_synthetic": picture(
        note(20, 28, "synthetic sequence"),
        bar(20, 40, 200, GREEN, "generated context"),
        bar(220, 40, 140, ORANGE, "moment"),
        bar(360, 40, 200, GREEN, "generated context"),
        note(20, 108, "real video"),
        bar(20, 120, 230, GREY, "background"),
        bar(250, 120, 110, BLUE, "action"),
        bar(360, 120, 200, GREY, "background"),
        arrow(580, 90, 580, 118),
        arrow(580, 90, 580, 62),
        note(470, 100, "discriminator"),
    ),
    "concept_second_look": picture(
        note(
            20,
            28,
            "what training shows of a moment: the moment, and segments beside it",
        ),
        bar(20, 40, 600, GREY),
        bar(250, 40, 140, ORANGE, "moment"),
        *(
            bar(x, y, width, GREEN, text, height=20)
            for x, y, width, text in (
                (250, 82, 140, "1"),
                (194, 106, 140, "0.43"),
                (306, 130, 140, "0.43"),
                (194, 154, 252, "0.56"),
            )
        ),
        note(460, 97, "tIoU with the moment"),
        note(460, 121, "too early"),
        note(460, 145, "too late"),
        note(460, 169, "too long"),
    ),
}


if __name__ == "__main__":
    for name, content in PICTURES.items():
        (IMAGES / f"{name}.svg").write_text(content, encoding="utf-8")
