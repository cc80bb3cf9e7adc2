"""The silhouettes of the subjects, as plain data.

A subject lives in a box of 100 by 100, y pointing down, its feet at y = 100. It is a list of layers
`(role, path)`, painted in order. The role says how the layer is coloured:

    body    the subject's own colour       shade   a darker tone of it       light   a lighter tone of it
    ink     the outline's colour           paper   white                     others  a fixed colour of FIXED

Paths speak a small part of SVG's path language: M, L, Q, C, Z, and two words of our own,
`E cx cy rx ry` for an ellipse and `R x y w h` for a rectangle.
"""

FIXED: dict[str, tuple[int, int, int]] = {
    "leaf": (60, 150, 65),
    "wood": (120, 78, 45),
    "glass": (185, 220, 240),
    "tongue": (235, 110, 120),
    "tyre": (45, 45, 50),
    "rim": (205, 205, 210),
}

SHAPES: dict[str, list[tuple[str, str]]] = {
    "cat": [
        ("body", "M 68 96 Q 98 96 96 68 Q 95 54 86 56 Q 80 60 86 70 Q 88 82 68 84 Z"),
        ("body", "M 36 46 Q 22 72 24 100 L 76 100 Q 78 72 64 46 Z"),
        ("body", "M 20 2 L 40 14 L 60 14 L 80 2 L 81 34 Q 80 56 50 57 Q 20 56 19 34 Z"),
        ("light", "E 50 82 11 13"),
        ("paper", "E 37 31 6 7 E 63 31 6 7"),
        ("ink", "E 38 32 3 5 E 62 32 3 5 M 46 42 L 54 42 L 50 47 Z"),
    ],
    "kitten": [
        ("body", "M 66 95 Q 92 94 86 74 Q 82 68 78 74 Q 80 86 66 86 Z"),
        ("body", "M 34 66 Q 28 86 32 100 L 68 100 Q 72 86 66 66 Z"),
        ("body", "M 10 10 L 34 22 L 66 22 L 90 10 L 93 50 Q 90 77 50 78 Q 10 77 7 50 Z"),
        ("paper", "E 32 49 11 12 E 68 49 11 12"),
        ("ink", "E 33 50 6 9 E 67 50 6 9 M 45 63 L 55 63 L 50 69 Z"),
        ("paper", "E 31 46 2.5 3 E 65 46 2.5 3"),
    ],
    "dog": [
        ("body", "M 14 58 Q 0 44 2 28 Q 8 26 12 32 Q 12 44 24 52 Z"),
        ("body", "M 14 50 Q 40 46 62 52 L 72 62 L 72 100 L 60 100 L 58 80 L 32 80 L 28 100 L 14 100 Q 10 70 14 50 Z"),
        ("body", "M 52 22 Q 60 8 76 12 Q 84 18 84 26 L 98 32 Q 101 44 92 48 L 76 52 Q 70 62 58 60 Q 48 44 52 22 Z"),
        ("shade", "M 54 18 Q 40 20 42 44 Q 46 56 56 50 Q 62 34 64 18 Z"),
        ("tongue", "M 86 49 Q 88 60 93 58 Q 96 52 94 47 Z"),
        ("ink", "E 96 34 5 4.5 E 76 27 3.5 4"),
    ],
    "bird": [
        ("ink", "M 44 82 L 44 100 L 48 100 L 48 82 Z M 58 82 L 58 100 L 62 100 L 62 82 Z"),
        ("body", "M 26 62 L 0 50 L 4 72 L 24 76 Z"),
        ("body", "E 50 62 32 25"),
        ("orange", "M 84 26 L 100 34 L 84 42 Z"),
        ("body", "E 72 33 18 18"),
        ("shade", "M 28 54 Q 44 44 60 54 Q 56 78 32 74 Q 20 68 12 62 Z"),
        ("paper", "E 77 29 5.5 5.5"),
        ("ink", "E 78 29 3 3.5"),
    ],
    "fish": [
        ("body", "M 26 60 L 0 36 Q 8 60 0 86 Z"),
        ("shade", "M 40 42 Q 50 20 72 40 Z M 46 78 Q 54 96 66 78 Z"),
        ("body", "M 20 60 Q 44 30 74 36 Q 94 42 100 60 Q 94 78 74 84 Q 44 90 20 60 Z"),
        ("shade", "M 70 37 Q 58 60 70 83 L 64 84 Q 50 60 64 36 Z"),
        ("paper", "E 82 54 6.5 6.5"),
        ("ink", "E 84 54 3.5 4"),
    ],
    "boat": [
        ("wood", "R 46 2 6 74"),
        ("body", "M 54 4 Q 88 34 90 66 L 54 66 Z"),
        ("paper", "M 44 14 Q 24 40 14 66 L 44 66 Z"),
        ("body", "M 0 70 L 100 70 Q 94 98 80 100 L 22 100 Q 6 98 0 70 Z"),
        ("shade", "M 2 78 L 98 78 L 96 86 L 5 86 Z"),
    ],
    "house": [
        ("shade", "R 68 12 12 26"),
        ("body", "R 12 46 76 54"),
        ("shade", "M 0 48 L 50 6 L 100 48 Z"),
        ("wood", "R 42 66 18 34"),
        ("glass", "R 20 58 15 17 R 67 58 15 17"),
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
        ("body", "M 50 30 Q 18 18 4 54 Q 24 34 50 38 Z M 50 30 Q 82 18 96 54 Q 76 34 50 38 Z"),
        ("body", "M 50 32 Q 28 38 26 66 Q 38 46 52 38 Z M 50 32 Q 72 38 74 66 Q 62 46 50 38 Z"),
        ("shade", "E 50 35 7 6"),
    ],
    "car": [
        ("body", "M 18 62 Q 28 34 40 34 L 66 34 Q 76 36 84 62 Z"),
        ("glass", "M 28 60 Q 34 42 42 42 L 49 42 L 49 60 Z M 55 42 L 64 42 Q 70 44 75 60 L 55 60 Z"),
        ("body", "M 2 64 Q 2 58 12 58 L 86 58 Q 100 60 100 74 L 98 88 L 2 88 Z"),
        ("shade", "M 2 78 L 100 78 L 98 88 L 2 88 Z"),
        ("yellow", "E 95 68 4 5"),
        ("tyre", "E 24 87 13 13 E 76 87 13 13"),
        ("rim", "E 24 87 5.5 5.5 E 76 87 5.5 5.5"),
    ],
    "flower": [
        ("leaf", "M 47 50 L 46 100 L 54 100 L 53 50 Z"),
        ("leaf", "M 50 92 Q 24 90 20 66 Q 44 68 50 92 Z M 50 88 Q 56 64 80 62 Q 78 86 50 88 Z"),
        ("body", "E 50 12 13 13 E 72 24 13 13 E 72 46 13 13 E 50 57 13 13 E 28 46 13 13 E 28 24 13 13"),
        ("body", "E 50 34 20 20"),
        ("centre", "E 50 34 11 11"),
    ],
    "horse": [
        ("shade", "M 12 46 Q -6 50 4 84 Q 12 78 10 66 Q 12 58 18 54 Z"),
        ("shade", "M 22 64 L 20 100 L 28 100 L 32 64 Z M 56 64 L 54 100 L 62 100 L 66 64 Z"),
        (
            "body",
            "M 10 46 Q 14 40 26 41 L 52 43 L 66 18 L 72 2 L 78 9 Q 90 16 100 34 Q 98 44 90 42 L 78 34 "
            "Q 76 54 72 62 L 74 100 L 65 100 L 60 68 L 30 68 L 22 100 L 12 100 L 14 72 Q 6 58 10 46 Z",
        ),
        ("shade", "M 72 4 Q 56 14 46 46 Q 58 42 62 32 Q 70 20 74 10 Z"),
        ("ink", "E 84 21 3 3.5 E 95 36 2 2"),
    ],
}
