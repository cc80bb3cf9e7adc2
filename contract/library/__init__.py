"""What lasts: every picture that was made or sent, how it was made, and what its owner made of it.

Jobs pass, and the ledger forgets them; the library is SQL and keeps. Bytes come first, then the record here, then
the job shows the picture: whatever breaks in between, no record is without bytes, and bytes without a record are swept.
"""

from contract.library.keeper import UNDO_SECONDS, Library, PictureFile, Place, Trashed, open_library
from contract.library.records import Changes, Kept, LibraryImage, Name, Sort, Wanted

__all__ = [
    "UNDO_SECONDS",
    "Changes",
    "Kept",
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
