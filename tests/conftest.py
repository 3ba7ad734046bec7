"""What every test starts from."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def log_of_its_own():
    """A test that sets up logging does so for itself alone."""
    yield
    structlog.reset_defaults()
