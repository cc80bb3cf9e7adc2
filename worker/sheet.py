"""The picture of a grid: cells on white paper with legends on top and on the left, blocks side by side."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MAX_SIDE = 4096  # pixels; larger cells are laid smaller
GAP, BLOCK_GAP, PAD = 4, 16, 6  # pixels between cells, between blocks, around a legend
_LONGEST = 200  # characters of a legend that are looked at


class Sheet:
    """Paper for cells of one size.

    cell: width and height of a picture, pixels. shape: blocks, rows, columns. across, down, blocks: a legend for each
    column, row and block, or none.
    """

    def __init__(
        self,
        cell: tuple[int, int],
        shape: tuple[int, int, int],
        across: Sequence[str],
        down: Sequence[str],
        blocks: Sequence[str],
    ) -> None:
        self._shape = shape
        self._block_gap = min(BLOCK_GAP, max(GAP, MAX_SIDE // 8 // shape[0]))
        self._font = ImageFont.load_default(min(32, max(12, cell[0] // 10)))
        line = _line_height(self._font)
        longest = max((self._font.getlength(plain(text)) for text in down), default=0)
        self._left = min(int(longest) + 2 * PAD, max(96, min(cell[0], MAX_SIDE // 4))) if down else 0
        self._tops = [line * i for i in range(1 + bool(blocks) + bool(across))]  # of each line of legends, and below
        self._cell = self._fit(cell)
        self.picture = Image.new("RGB", self._size(self._cell), "white")
        self._write(across, down, blocks)

    def lay(self, number: int, picture: Image.Image) -> None:
        """Put cell `number` in its place: block by block, row by row, from left to right."""
        if picture.size != self._cell:
            picture = picture.resize(self._cell, Image.Resampling.LANCZOS)
        self.picture.paste(picture, self.place(number))

    def place(self, number: int) -> tuple[int, int]:
        """Left and top of cell `number`, pixels."""
        _, rows, columns = self._shape
        block, within = divmod(number, rows * columns)
        row, column = divmod(within, columns)
        return self._x(block, column), self._tops[-1] + row * (self._cell[1] + GAP)

    def _x(self, block: int, column: int) -> int:
        return self._left + block * (self._block_width + self._block_gap) + column * (self._cell[0] + GAP)

    @property
    def _block_width(self) -> int:
        columns = self._shape[2]
        return columns * self._cell[0] + (columns - 1) * GAP

    def _size(self, cell: tuple[int, int]) -> tuple[int, int]:
        """Of the whole, for cells of this size."""
        blocks, rows, columns = self._shape
        width = blocks * (columns * cell[0] + (columns - 1) * GAP) + (blocks - 1) * self._block_gap
        return self._left + width, self._tops[-1] + rows * cell[1] + (rows - 1) * GAP

    def _fit(self, cell: tuple[int, int]) -> tuple[int, int]:
        """The size cells are laid at: their own, or smaller in the same proportion so that the whole fits."""
        blocks, rows, columns = self._shape
        gaps = self._size((0, 0))
        scale = min(
            1.0,
            (MAX_SIDE - gaps[0]) / (blocks * columns * cell[0]),
            (MAX_SIDE - gaps[1]) / (rows * cell[1]),
        )
        return max(1, int(cell[0] * scale)), max(1, int(cell[1] * scale))

    def _write(self, across: Sequence[str], down: Sequence[str], blocks: Sequence[str]) -> None:
        draw = ImageDraw.Draw(self.picture)

        def write(text: str, left: float, top: float, width: float) -> None:
            draw.text((left + PAD, top), shorten(text, self._font, width - 2 * PAD), "black", self._font, "lm")

        line = self._tops[1] if len(self._tops) > 1 else 0
        for block in range(self._shape[0]):
            if blocks:
                write(blocks[block], self._x(block, 0), line / 2, self._block_width)
            for column, text in enumerate(across):
                write(text, self._x(block, column), self._tops[-1] - line / 2, self._cell[0])
        for row, text in enumerate(down):
            write(text, 0, self.place(row * self._shape[2])[1] + self._cell[1] / 2, self._left)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def plain(text: str) -> str:
    """A legend on one line. Letters the font has not are drawn as boxes.

    >>> plain("a cat\\n on a  mat")
    'a cat on a mat'
    """
    return " ".join(text[:_LONGEST].split())


def shorten(text: str, font: Font, width: float) -> str:
    """As much of a legend as fits in so many pixels; where something is left out, an ellipsis says so.

    What fits is the value: the field's name before the colon goes first.
    """
    text = plain(text)
    if font.getlength(text) <= width:
        return text
    value = text.partition(": ")[2] or text
    if font.getlength(value) <= width:
        return value
    fitting = (length for length in range(len(value), 0, -1) if font.getlength(value[:length].rstrip() + "…") <= width)
    return value[: next(fitting, 0)].rstrip() + "…"


def _line_height(font: Font) -> int:
    _, top, _, bottom = font.getbbox("Ag")
    return int(bottom - top) + 2 * PAD
