"""See README.md."""

import pytest

pytest.register_assert_rewrite("tests.powercut.rig")
