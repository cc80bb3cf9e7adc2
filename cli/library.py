"""`darkroom library`: compare the library with bytes and ledger, and mend it; pictures out of it and in."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from cli.redis_server import redis_at_hand
from contract.blobs import Blobs, open_blobs
from contract.errors import DarkroomError
from contract.library import Library, Wanted, open_library, transfer
from contract.library import check as checking
from contract.library.archive import Owner
from contract.library.check import Findings
from contract.settings import Settings
from contract.store import JobStore, connect

_DAY = len("2026-11-28")


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What to do, and the flags that are settings."""
    parser = argparse.ArgumentParser(
        "darkroom library", description="The library, and settings such as --data and --database-url."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("check", help="tell where library, bytes and ledger differ; exit status 1 where they do")
    actions.add_parser("repair", help="the same, and mend it")
    export = actions.add_parser(
        "export", help="write pictures and their records into a folder, or FILE.zip", allow_abbrev=False
    )
    export.add_argument("path", type=Path, help="an empty folder, or a file that ends in .zip; before any other flag")
    export.add_argument("--owner", help="only this one's, by the id of the key; none = everybody's")
    for name, field in Wanted.model_fields.items():
        action = "append" if get_origin(field.annotation) is list else "store"
        told = (field.description or "").replace("%", "%%")
        export.add_argument(f"--{name}", metavar=_metavar(field.annotation), help=told, action=action)
    bring = actions.add_parser("import", help="take in what export has written, here or elsewhere", allow_abbrev=False)
    bring.add_argument("path", type=Path, help="the folder or ZIP file; before any other flag")
    bring.add_argument("--owner", help="whose all of it is to be, by the id of the key; none = whose it was")
    return parser.parse_known_args(argv)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it; the exit status. Raises DarkroomError."""
    library = open_library(settings)
    try:
        if args.action in ("export", "import"):
            return (_export if args.action == "export" else _import)(args, library, open_blobs(settings))
        with redis_at_hand(settings) as reachable:
            return _mend(args.action, library, open_blobs(settings), JobStore(connect(reachable)), settings)
    except RedisError as error:
        raise DarkroomError(f"Redis does not answer: {error}") from error
    except OSError as error:
        raise DarkroomError(_words(error)) from error
    finally:
        library.close()


def _mend(action: str, library: Library, blobs: Blobs, store: JobStore, settings: Settings) -> int:
    found = checking.check(library, blobs, store)
    print(told(found))
    if action == "check" or found.well:
        return 0 if found.well else 1
    if found.pictures and len(found.lost) == found.pictures:
        where = settings.store or settings.blobs.resolve()
        raise DarkroomError(f"not one picture's bytes are in {where}; is that the right place?")
    checking.repair(found, library, store)
    print("All of it is mended.")
    return 0


def told(found: Findings) -> str:
    """What was found, a line each."""
    lines = [f"{found.pictures} pictures"]
    lines += [f"{picture.id}: its bytes are gone; its record goes" for picture in found.lost]
    lines += [f"{image.id}: its job shows it, the library lacks it; it is taken in" for image in found.unlisted]
    lines += [f"{sha}: bytes that nobody needs; they go in an hour" for sha in found.loose]
    return "\n".join([*lines, "All is well."] if found.well else lines)


def _export(args: argparse.Namespace, library: Library, blobs: Blobs) -> int:
    tally = transfer.export(library, blobs, args.path, _wanted(args), _owner(args), _tell)
    print(f"{tally.done} pictures are in {args.path}." + (f" {tally.refused} are not." if tally.refused else ""))
    return 1 if tally.refused else 0


def _import(args: argparse.Namespace, library: Library, blobs: Blobs) -> int:
    tally = transfer.bring(library, blobs, args.path, _owner(args), _tell)
    parts = [f"{tally.done} pictures taken in, {tally.there} were there"]
    print(", ".join([*parts, f"{tally.refused} refused"] if tally.refused else parts) + ".")
    return 1 if tally.refused else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _wanted(args: argparse.Namespace) -> Wanted:
    """A day stands for its beginning, in UTC."""
    given = {name: value for name in Wanted.model_fields if (value := getattr(args, name)) is not None}
    for name in given.keys() & {"since", "until"}:
        given[name] += "T00:00:00Z" if len(given[name]) == _DAY else ""
    try:
        return Wanted.model_validate(given)
    except ValidationError as error:
        wrong = [f"--{each['loc'][0]} {each['input']}: {each['msg']}" for each in error.errors()]
        raise DarkroomError("; ".join(wrong)) from error


def _owner(args: argparse.Namespace) -> str | None:
    try:
        return TypeAdapter(Owner | None).validate_python(args.owner)
    except ValidationError:
        raise DarkroomError(f"--owner {args.owner}: is no id of a key; `darkroom keys list` shows them") from None


def _metavar(annotation: object) -> str:
    """What a flag takes, in a word."""
    kinds = {int: "NUMBER", bool: "true|false"}
    return next((word for kind, word in kinds.items() if kind is annotation or kind in get_args(annotation)), "TEXT")


def _words(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
