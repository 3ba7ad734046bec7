"""What every test starts from."""

import pytest
import structlog

from smsgwd.queue.transaction import Transaction
from tests import knowing
from tests.watching import (  # the hooks that look for secrets
    files_of_the_run,
    pytest_configure,
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

__all__ = [
    "files_of_the_run", "pytest_configure", "pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary",
]  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def kept_rows_are_the_rows():
    """After every commit in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "confirm", knowing.watched(Transaction.confirm))
        yield


@pytest.fixture(autouse=True)
def log_of_its_own():
    """A test that sets up logging does so for itself alone."""
    yield
    structlog.reset_defaults()
