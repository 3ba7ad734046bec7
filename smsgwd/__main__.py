"""``python -m smsgwd``: the same as the ``smsgwd`` command."""

from smsgwd.cli import main

main()
