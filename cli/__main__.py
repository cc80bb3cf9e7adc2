"""`python -m cli`: the same as `darkroom`."""

from cli.main import main

main()
