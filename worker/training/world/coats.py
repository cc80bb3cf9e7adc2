"""The coats of the FURRY, as plain data in the path language that `things` describes.

A marking `(part, role, path)` lies on one of the subject's `body` layers, the first of them being part 0; it is
clipped to that layer and covered by whatever is painted after it, the face above all. The roles:

    stripe   a tone that stands out against the body, darker or, where the body is dark, lighter
    dot      the same for spots          white   white, or gray where the body is white
    ginger, jet   the two patches of a calico, whose body is white
"""

from __future__ import annotations

Marking = tuple[int, str, str]

COATS: dict[str, dict[str, list[Marking]]] = {
    "cat": {
        "tabby": [
            (0, "stripe", "M 74 62 L 100 56 L 100 64 L 74 70 Z M 76 44 L 100 40 L 100 48 L 76 52 Z R 72 80 7 22"),
            (1, "stripe", "M 12 64 L 40 71 L 12 75 Z M 10 80 L 38 85 L 10 92 Z"),
            (1, "stripe", "M 76 64 L 47 71 L 76 75 Z M 78 80 L 49 85 L 78 92 Z M 24 52 L 62 52 L 62 58 L 24 58 Z"),
            (2, "stripe", "M 38.5 6 L 47.5 6 L 43 29 Z M 25 6 L 34 6 L 36 21 Z M 61 6 L 52 6 L 50 21 Z"),
            (2, "stripe", "M 10 36 L 24 41 L 14 45 Z M 76 36 L 62 41 L 72 45 Z"),
        ],
        "bicolor": [
            (0, "white", "E 93 32 14 14"),
            (1, "white", "M 43 44 Q 64 62 54 88 Q 43 96 32 88 Q 24 62 43 44 Z R 10 92 70 10"),
            (2, "white", "M 43 24 Q 50 36 62 40 Q 56 56 43 56 Q 30 56 24 40 Q 36 36 43 24 Z"),
        ],
        "spotted": [
            (0, "dot", "E 88 62 5 5 E 90 44 5 5 E 86 84 5 5"),
            (1, "dot", "E 34 60 5 5 E 52 62 5 5 E 30 77 5.5 5.5 E 58 79 5.5 5.5 E 25 92 5.5 5.5 E 62 93 5 5"),
            (2, "dot", "E 43 17 5 5 E 20 42 4.5 4.5 E 66 42 4.5 4.5"),
        ],
        "calico": [
            (0, "ginger", "R 70 20 40 34"),
            (0, "jet", "R 70 66 40 24"),
            (1, "ginger", "E 24 78 18 18"),
            (1, "jet", "E 66 80 17 20"),
            (2, "ginger", "M 0 -5 L 40 -5 Q 44 20 36 36 L 0 44 Z"),
            (2, "jet", "M 100 -5 L 50 -5 Q 50 14 60 24 L 100 24 Z"),
        ],
    },
    "kitten": {
        "tabby": [
            (0, "stripe", "R 80 60 5 40"),
            (1, "stripe", "M 24 81 L 44 86 L 24 91 Z M 76 81 L 56 86 L 76 91 Z"),
            (2, "stripe", "M 44 8 L 56 8 L 50 42 Z M 27 8 L 39 8 L 42 30 Z M 73 8 L 61 8 L 58 30 Z"),
            (2, "stripe", "M 0 52 L 20 63 L 0 63 Z M 0 66 L 36 69 L 14 81 Z"),
            (2, "stripe", "M 100 52 L 80 63 L 100 63 Z M 100 66 L 64 69 L 86 81 Z"),
        ],
        "bicolor": [
            (0, "white", "E 88 72 12 8"),
            (1, "white", "E 50 82 11 14 R 20 93 60 10"),
            (2, "white", "M 50 24 Q 57 52 73 64 Q 69 86 50 86 Q 31 86 27 64 Q 43 52 50 24 Z"),
        ],
        "spotted": [
            (0, "dot", "E 84 80 4 4"),
            (1, "dot", "E 38 86 4.5 4.5 E 62 86 4.5 4.5 E 36 97 4 4"),
            (2, "dot", "E 50 26 7 7 E 31 22 5 5 E 69 22 5 5 E 14 66 6 6 E 86 66 6 6"),
            (2, "dot", "E 30 71 5 5 E 70 71 5 5"),
        ],
        "calico": [
            (0, "jet", "R 70 60 40 40"),
            (1, "jet", "E 70 88 13 15"),
            (1, "ginger", "E 30 88 13 14"),
            (2, "ginger", "M 0 -5 L 44 -5 Q 50 30 40 62 Q 20 70 0 64 Z"),
            (2, "jet", "M 100 -5 L 58 -5 Q 56 20 72 34 L 100 40 Z"),
        ],
    },
    "dog": {
        "tabby": [
            (0, "stripe", "M 0 24 L 14 28 L 14 34 L 0 30 Z"),
            (1, "stripe", "M 20 44 L 28 44 L 25 72 Z M 34 42 L 42 42 L 39 72 Z M 48 42 L 56 42 L 53 72 Z"),
            (1, "stripe", "R 8 84 20 6 R 60 84 20 6"),
            (2, "stripe", "M 68 0 L 76 0 L 72 14 Z M 66 38 L 84 34 L 66 46 Z"),
        ],
        "bicolor": [
            (0, "white", "R -4 10 24 20"),
            (1, "white", "M 64 50 Q 56 70 36 70 L 20 86 L 62 86 L 80 74 L 80 46 Z R 8 88 70 14"),
            (2, "white", "M 104 16 L 86 26 Q 72 34 78 60 L 104 60 Z"),
        ],
        "spotted": [
            (0, "dot", "E 7 30 4.5 4.5"),
            (
                1,
                "dot",
                "E 22 58 6.5 6.5 E 40 56 5.5 5.5 E 34 72 5.5 5.5 E 54 68 6 6 E 68 62 5 5 E 18 80 5 5 E 68 84 5 5",
            ),
            (2, "dot", "E 72 38 5 5 E 86 38 4 4"),
        ],
        "calico": [
            (0, "jet", "R -4 10 40 60"),
            (1, "ginger", "E 20 60 18 20"),
            (1, "jet", "E 48 56 13 15"),
            (1, "ginger", "R 60 72 20 18"),
            (2, "ginger", "M 60 0 L 100 0 L 84 24 Q 76 34 66 30 Z"),
        ],
    },
    "rabbit": {
        "tabby": [
            (1, "stripe", "M 12 72 L 44 78 L 12 84 Z M 88 72 L 56 78 L 88 84 Z R 44 84 12 6"),
            (2, "stripe", "M 45 24 L 55 24 L 50 46 Z M 32 24 L 41 24 L 43 37 Z M 68 24 L 59 24 L 57 37 Z"),
            (2, "stripe", "M 18 50 L 38 57 L 18 62 Z M 82 50 L 62 57 L 82 62 Z"),
            (3, "stripe", "R 28 86 6 20 R 66 86 6 20"),
        ],
        "bicolor": [
            (1, "white", "E 50 82 12 16"),
            (2, "white", "M 50 28 Q 53 46 65 56 Q 62 74 50 74 Q 38 74 35 56 Q 47 46 50 28 Z"),
            (3, "white", "R 42 88 16 14 E 26 96 9 9 E 74 96 9 9"),
        ],
        "spotted": [
            (1, "dot", "E 28 78 5 5 E 72 78 5 5 E 50 80 5.5 5.5 E 38 86 4.5 4.5 E 62 88 4.5 4.5"),
            (2, "dot", "E 50 34 5.5 5.5 E 30 56 5 5 E 70 56 5 5"),
        ],
        "calico": [
            (0, "ginger", "R 0 -5 50 50"),
            (1, "jet", "E 76 80 17 18"),
            (1, "ginger", "E 30 78 14 14"),
            (2, "ginger", "E 30 42 15 18"),
            (2, "jet", "E 72 38 15 12"),
        ],
    },
    "horse": {
        "tabby": [
            (0, "stripe", "M 17 38 L 27 38 L 23 68 Z M 31 38 L 41 38 L 37 68 Z M 45 38 L 55 38 L 51 66 Z"),
            (
                0,
                "stripe",
                "M 80 42 L 58 46 L 80 49 Z M 80 55 L 60 58 L 80 62 Z R 8 76 22 6 R 60 76 22 6 R 8 88 20 6 R 62 88 20 6",
            ),
        ],
        "bicolor": [
            (0, "white", "M 32 74 Q 34 54 48 56 Q 62 58 64 74 Z R 4 84 90 20 M 86 22 L 104 22 L 104 50 L 84 50 Z"),
        ],
        "spotted": [
            (0, "dot", "E 20 52 5.5 5.5 E 34 50 5 5 E 28 63 4.5 4.5 E 46 58 5.5 5.5 E 60 52 5 5 E 68 64 4.5 4.5"),
            (0, "dot", "E 68 38 5 5 E 18 80 4.5 4.5 E 70 82 4.5 4.5"),
        ],
        "calico": [
            (0, "ginger", "E 20 56 17 20 M 66 0 L 90 0 L 84 26 L 68 30 Z"),
            (0, "jet", "E 54 52 14 16"),
            (0, "ginger", "R 60 72 20 16"),
        ],
    },
}
