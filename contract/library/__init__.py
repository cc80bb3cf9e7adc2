"""What lasts: every picture that was made or sent, how it was made, and what its owner made of it.

Jobs pass, and the ledger forgets them; the library is SQL and keeps. Bytes come first, then the record here, then
the job shows the picture: whatever breaks in between, no record is without bytes, and bytes without a record are swept.
"""

from contract.library.keeper import MOST_COUNTED, Library, PictureFile, Place, open_library
from contract.library.records import Changes, Kept, Labels, LibraryImage, Name, Sort, Wanted
from contract.library.trash import UNDO_SECONDS, Trashed

__all__ = [
    "MOST_COUNTED",
    "UNDO_SECONDS",
    "Changes",
    "Kept",
    "Labels",
    "Library",
    "LibraryImage",
    "Name",
    "PictureFile",
    "Place",
    "Sort",
    "Trashed",
    "Wanted",
    "open_library",
]
