"""Runs commands in this process as a shell would: what they print, and how they end."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from smsgwd.cli import main
from tests.story.programs import write_config


class Ended(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self):
        """stdout as one JSON document."""
        return json.loads(self.out)


class Terminal:
    """Commands on one configuration, with no daemon running."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str], more: str = "") -> None:
        self.home, self._capsys = home, capsys
        self.config = write_config(home, more)

    def __call__(self, *args: str, config: Path | str | None = None) -> Ended:
        with pytest.raises(SystemExit) as end:
            main(["--config", str(config or self.config), *args])
        out, err = self._capsys.readouterr()
        return Ended(int(end.value.code or 0), out, err)

    def ask(self, *args: str):
        """A command with --json that must succeed."""
        ended = self("--json", *args)
        assert ended.status == 0, ended.err
        return ended.document
