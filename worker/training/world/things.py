"""The silhouettes of people and things, as plain data.

A subject lives in a box of 100 by 100, y pointing down, its feet at y = 100. It is a list of layers
`(role, path)`, painted in order. The role says how the layer is coloured:

    body    the subject's own colour       shade   a darker tone of it       light   a lighter tone of it
    ink     the outline's colour           paper   white                     iris    the colour of the eyes
    band    white, or gray where the body is white                           others  fixed: `subjects.tones`

Paths speak a small part of SVG's path language: M, L, Q, C, Z, and two words of our own,
`E cx cy rx ry` for an ellipse and `R x y w h` for a rectangle.
"""

from __future__ import annotations

Layer = tuple[str, str]

THINGS: dict[str, list[Layer]] = {
    "person": [  # waves
        ("shoe", "M 36 92 L 48 92 L 48 100 L 28 100 Q 28 93 36 92 Z M 52 92 L 64 92 Q 72 93 72 100 L 52 100 Z"),
        ("shade", "M 35 68 L 34 94 L 48 94 L 50 78 L 52 94 L 66 94 L 65 68 Z"),
        ("skin", "E 85 22 6.5 7 E 19 66 6.5 6.5"),
        ("body", "M 60 44 Q 74 46 79 26 L 91 29 Q 88 60 64 62 Z"),
        ("body", "M 38 44 Q 22 44 13 62 L 24 68 Q 28 62 34 60 L 31 76 L 69 76 L 64 44 Q 50 38 38 44 Z"),
        ("hair", "E 50 19 19 18"),
        ("skin", "M 34 20 Q 44 22 52 12 Q 58 18 66 19 Q 68 40 50 41 Q 32 40 34 20 Z"),
        ("pupil", "E 43 27 2.6 3.2 E 57 27 2.6 3.2 M 42 33 Q 50 40 58 33 Q 50 36 42 33 Z"),
    ],
    "boat": [
        ("wood", "R 46 2 6 74"),
        ("body", "M 54 4 Q 88 34 90 66 L 54 66 Z"),
        ("paper", "M 44 14 Q 24 40 14 66 L 44 66 Z"),
        ("body", "M 0 70 L 100 70 Q 94 98 80 100 L 22 100 Q 6 98 0 70 Z"),
        ("shade", "M 2 78 L 98 78 L 96 86 L 5 86 Z"),
    ],
    "house": [
        ("brick", "R 68 12 12 26"),
        ("body", "R 8 42 84 58"),
        ("shade", "M 0 44 L 50 6 L 100 44 Z"),
        ("wood", "R 42 68 17 32"),
        ("glass", "R 18 56 15 16 R 67 56 15 16"),
    ],
    "lighthouse": [  # striped
        ("stone", "M 12 100 Q 16 90 30 90 L 70 90 Q 84 90 88 100 Z"),
        ("body", "M 35 30 L 65 30 L 76 92 L 24 92 Z"),
        ("band", "M 32.5 44 L 67.5 44 L 69.4 55 L 30.6 55 Z M 28.2 68 L 71.8 68 L 73.7 79 L 26.3 79 Z"),
        ("yellow", "R 39 14 22 14"),
        ("body", "M 36 15 Q 38 2 50 0 Q 62 2 64 15 Z"),
        ("shade", "R 28 26 44 6"),
    ],
    "tree": [
        ("wood", "M 42 58 L 40 100 L 60 100 L 58 58 Z"),
        (
            "body",
            "M 24 70 Q 2 68 6 48 Q -2 28 20 24 Q 26 2 50 4 Q 74 2 80 24 Q 102 28 94 48 Q 98 68 76 70 Q 50 80 24 70 Z",
        ),
        ("light", "E 38 28 12 9"),
    ],
    "palm tree": [
        ("wood", "M 46 30 Q 56 64 40 100 L 56 100 Q 68 62 54 28 Z"),
        ("body", "M 50 32 Q 30 2 2 20 Q 24 20 50 36 Z M 50 32 Q 70 0 98 20 Q 76 20 50 36 Z"),
        ("body", "M 50 30 Q 18 16 2 54 Q 24 36 50 40 Z M 50 30 Q 82 16 98 54 Q 76 36 50 40 Z"),
        ("body", "M 50 32 Q 26 38 24 70 Q 40 50 54 38 Z M 50 32 Q 74 38 76 70 Q 60 50 48 38 Z"),
        ("shade", "E 50 35 7 6"),
    ],
    "flower": [
        ("leaf", "M 47 50 L 46 100 L 54 100 L 53 50 Z"),
        ("leaf", "M 50 92 Q 24 90 20 66 Q 44 68 50 92 Z M 50 88 Q 56 64 80 62 Q 78 86 50 88 Z"),
        ("body", "E 50 13 13 13 E 72 24 13 13 E 72 46 13 13 E 50 57 13 13 E 28 46 13 13 E 28 24 13 13"),
        ("body", "E 50 34 20 20"),
        ("centre", "E 50 34 11 11"),
    ],
    "mushroom": [
        ("cream", "M 37 52 Q 40 80 32 96 Q 50 103 68 96 Q 60 80 63 52 Z"),
        ("body", "M 2 56 Q 4 6 50 4 Q 96 6 98 56 Q 50 72 2 56 Z"),
        ("band", "E 50 22 10 8 E 24 40 8 7 E 76 40 8 7 E 50 49 7 5"),
    ],
    "car": [
        ("body", "M 18 62 Q 28 34 40 34 L 66 34 Q 76 36 84 62 Z"),
        ("glass", "M 28 60 Q 34 42 42 42 L 49 42 L 49 60 Z M 55 42 L 64 42 Q 70 44 75 60 L 55 60 Z"),
        ("body", "M 2 64 Q 2 58 12 58 L 86 58 Q 100 60 100 74 L 98 88 L 2 88 Z"),
        ("shade", "M 2 79 L 100 79 L 98 88 L 2 88 Z"),
        ("yellow", "E 94 68 4.5 5"),
        ("tyre", "E 24 87 13 13 E 76 87 13 13"),
        ("rim", "E 24 87 5.5 5.5 E 76 87 5.5 5.5"),
    ],
    "plane": [
        ("shade", "M 46 44 L 34 20 L 44 20 L 66 44 Z"),
        ("body", "M 6 18 L 20 18 L 34 44 L 30 62 L 14 58 Z"),
        ("body", "M 10 48 Q 20 42 40 42 L 76 42 Q 96 44 100 58 Q 96 70 76 70 L 40 70 Q 14 68 10 48 Z"),
        ("glass", "M 78 46 Q 92 48 96 57 L 78 57 Z E 34 53 5 5 E 49 53 5 5 E 64 53 5 5"),
        ("shade", "M 42 62 L 70 62 L 44 94 L 30 94 Z"),
    ],
    "balloon": [  # hot air, with a basket
        ("line", "M 34 66 L 37.5 66 L 44 86 L 40.5 86 Z M 62.5 66 L 66 66 L 59.5 86 L 56 86 Z"),
        ("wood", "M 38 84 L 62 84 L 60 100 L 40 100 Z"),
        ("body", "M 50 0 Q 90 0 91 36 Q 90 58 66 72 L 34 72 Q 10 58 9 36 Q 10 0 50 0 Z"),
        ("band", "M 50 0 Q 20 14 42 72 L 58 72 Q 80 14 50 0 Z"),
        ("body", "M 50 0 Q 34 20 47 72 L 53 72 Q 66 20 50 0 Z"),
    ],
    "umbrella": [
        ("wood", "M 47 6 L 53 6 L 53 88 Q 52 100 40 100 Q 27 99 27 86 L 34 86 Q 34 93 40 93 Q 47 93 47 86 Z"),
        (
            "body",
            "M 1 54 Q 4 10 50 8 Q 96 10 99 54 Q 90 44 82 46 Q 74 46 67 54 Q 59 45 50 45 Q 41 45 33 54 "
            "Q 26 46 18 46 Q 10 44 1 54 Z",
        ),
        ("shade", "M 50 8 Q 34 24 33 54 Q 41 45 50 45 Q 59 45 67 54 Q 66 24 50 8 Z"),
    ],
    "bench": [
        ("iron", "M 12 40 L 20 40 L 20 100 L 10 100 Z M 80 40 L 88 40 L 90 100 L 80 100 Z"),
        ("body", "R 4 36 92 11 R 4 50 92 11"),
        ("body", "M 8 66 L 92 66 L 100 80 L 0 80 Z"),
        ("shade", "R 0 80 100 6"),
    ],
    "chair": [
        ("shade", "M 26 66 L 26 92 L 34 92 L 34 66 Z M 66 66 L 66 92 L 74 92 L 74 66 Z"),
        ("body", "M 22 8 Q 50 -4 78 8 L 76 60 L 24 60 Z"),
        ("shade", "M 33 16 Q 50 10 67 16 L 66 46 L 34 46 Z"),
        ("body", "M 24 52 L 76 52 L 88 68 L 12 68 Z"),
        ("body", "R 12 68 76 7 M 12 68 L 22 68 L 20 100 L 12 100 Z M 78 68 L 88 68 L 88 100 L 80 100 Z"),
    ],
    "robot": [
        ("shade", "R 32 80 12 14 R 56 80 12 14"),
        ("shade", "R 48 2 4 12"),
        ("yellow", "E 50 5 5 5"),
        ("body", "R 26 92 20 8 R 54 92 20 8"),
        ("body", "R 8 50 14 30 R 78 50 14 30"),
        ("body", "R 24 48 52 36"),
        ("body", "R 20 12 60 34"),
        ("glass", "E 37 28 8 8 E 63 28 8 8"),
        ("pupil", "E 37 28 3.5 3.5 E 63 28 3.5 3.5 R 38 39 24 3"),
        ("light", "R 34 56 32 16"),
        ("tongue", "E 50 64 5 5"),
    ],
}
