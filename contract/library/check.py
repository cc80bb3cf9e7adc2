"""Compares the library with the bytes on the disk and with what jobs show, and mends what differs.

Killed workers, disks that lose files, and ledgers from before there was a library make work here.
"""

from dataclasses import dataclass, field

from contract.blobs import Blobs
from contract.jobs import StoredImage
from contract.library.keeper import Library
from contract.library.trash import Trashed
from contract.store import JobStore

_SETTLED_SECONDS = 3600.0  # bytes younger than that may be about to get their record


@dataclass
class Findings:
    """lost: pictures whose bytes are gone. unlisted: pictures of jobs that the library lacks. loose: nobody's bytes."""

    pictures: int = 0
    lost: list[Trashed] = field(default_factory=list)
    unlisted: list[StoredImage] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return not (self.lost or self.unlisted or self.loose)


def check(library: Library, blobs: Blobs, store: JobStore) -> Findings:
    """Look at everything; may be done while Darkroom runs. Raises LibraryAway, OSError, RedisError."""
    found, laid = Findings(), set[str]()
    for shelf in range(256):
        pictures = library.shelf(shelf)  # before the bytes, which come first
        there, settled = set(blobs.stored(shelf, -1.0)), blobs.stored(shelf, _SETTLED_SECONDS)
        laid |= there
        found.pictures += len(pictures)
        found.lost += [picture for picture, sha in pictures if sha not in there]
        needed = {sha for _, sha in pictures}
        found.loose += sorted({sha for sha in settled if sha not in needed} - store.referred(settled))
    found.unlisted = [image for image in store.images() if image.sha256 in laid and not library.known([image.id])]
    return found


def repair(found: Findings, library: Library, store: JobStore) -> None:
    """Take in what jobs show, forget what has no bytes; what is nobody's the reaper removes an hour from now."""
    for image in found.unlisted:
        library.add(image)
    store.hide(found.lost)
    library.forget([picture.id for picture in found.lost])
    store.found(found.loose)
