"""`darkroom library`: compare the library with the bytes and with the ledger, and mend it."""

import argparse
from collections.abc import Sequence

from redis.exceptions import RedisError

from cli.redis_server import redis_at_hand
from contract.blobs import open_blobs
from contract.errors import DarkroomError
from contract.library import check as checking
from contract.library import open_library
from contract.library.check import Findings
from contract.settings import Settings
from contract.store import JobStore, connect


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What to do, and the flags that are settings."""
    parser = argparse.ArgumentParser(
        "darkroom library", description="The library, and settings such as --data and --database-url."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("check", help="tell where library, bytes and ledger differ; exit status 1 where they do")
    actions.add_parser("repair", help="the same, and mend it")
    return parser.parse_known_args(argv)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it; the exit status. Raises DarkroomError."""
    library = open_library(settings)
    try:
        with redis_at_hand(settings) as reachable:
            store, blobs = JobStore(connect(reachable)), open_blobs(settings)
            found = checking.check(library, blobs, store)
            print(told(found))
            if args.action == "check" or found.well:
                return 0 if found.well else 1
            if found.pictures and len(found.lost) == found.pictures:
                where = settings.store or settings.blobs.resolve()
                raise DarkroomError(f"not one picture's bytes are in {where}; is that the right place?")
            checking.repair(found, library, store)
            print("All of it is mended.")
            return 0
    except RedisError as error:
        raise DarkroomError(f"Redis does not answer: {error}") from error
    except OSError as error:
        raise DarkroomError(str(error)) from error
    finally:
        library.close()


def told(found: Findings) -> str:
    """What was found, a line each."""
    lines = [f"{found.pictures} pictures"]
    lines += [f"{picture.id}: its bytes are gone; its record goes" for picture in found.lost]
    lines += [f"{image.id}: its job shows it, the library lacks it; it is taken in" for image in found.unlisted]
    lines += [f"{sha}: bytes that nobody needs; they go in an hour" for sha in found.loose]
    return "\n".join([*lines, "All is well."] if found.well else lines)
