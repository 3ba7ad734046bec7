"""The terminal of the command tests."""

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path, capsys):
    return Terminal(tmp_path, capsys)
