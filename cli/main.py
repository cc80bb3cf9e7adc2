"""The `darkroom` command: `darkroom up` runs everything, `darkroom api` and `darkroom worker` one part each."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from pydantic import ValidationError

from cli import keys, library, services
from cli.up import up
from contract.errors import DarkroomError
from contract.settings import Settings

USAGE = """\
usage: darkroom COMMAND [--SETTING VALUE ...]

commands:
  up        Redis, one worker and the web server, until Ctrl-C
  api       the web server alone
  worker    one worker alone; --redis-url and --data say whose
  keys      who may come in: keys add NAME, list, rotate NAME, revoke NAME
  library   what was made: library check compares it with the disk, library repair mends it,
            library export PATH writes it into a folder or ZIP file, library import PATH takes it in

`darkroom COMMAND --help` lists the settings; docs/settings.md explains them.
"""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 after an orderly end, 1 when it cannot work, 2 when it was called wrongly."""
    command, *flags = [*(sys.argv[1:] if argv is None else argv), "--help"]
    if command in ("-h", "--help"):
        print(USAGE, end="")
        sys.exit(0)
    if command not in ("up", "api", "worker", "keys", "library"):
        print(f"darkroom: there is no command {command!r}\n\n{USAGE}", end="", file=sys.stderr)
        sys.exit(2)
    try:
        if command == "keys":
            args, rest = keys.parse(flags[:-1] or flags)
            keys.run(args, read_settings(command, rest))
            sys.exit(0)
        if command == "library":
            args, rest = library.parse(flags[:-1] or flags)
            sys.exit(library.run(args, read_settings(command, rest)))
        settings = read_settings(command, flags[:-1])
        if command == "up":
            sys.exit(up(settings))
        if command == "api":
            keys.check_binding(settings)
        service = services.api(settings) if command == "api" else services.worker(settings)
        os.execve(service.argv[0], service.argv, settings.environ())
    except DarkroomError as error:
        sys.exit(f"darkroom: {error}")
    except KeyboardInterrupt:  # before the supervisor listens
        sys.exit(130)


def read_settings(command: str, flags: Sequence[str]) -> Settings:
    """The settings with flags on top. Raises DarkroomError naming each value that cannot be."""
    try:
        return Settings(
            _cli_parse_args=list(flags),
            _cli_prog_name=f"darkroom {command}",
            _cli_kebab_case=True,
            _cli_show_env_vars=True,
        )
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors()]
        raise DarkroomError("these settings cannot be:\n  " + "\n  ".join(wrong)) from error
