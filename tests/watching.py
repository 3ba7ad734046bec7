"""The part of pytest that fails a run in which a secret showed: see :mod:`tests.canaries`.

It sees every line of our log before it is written, what each test printed, and what commands answered that a test ran to
their end. The files of long-running programs and the databases are read when all tests are done.
"""

import os
import subprocess

import pytest
import structlog

from tests.canaries import Watch

WATCH = Watch()
FOUND = pytest.StashKey[list[str]]()
#: findings that are shown
_MOST = 40
#: the names under which structlog writes a line
_WRITERS = ("msg", "log", "debug", "info", "warning", "error", "critical", "exception", "fatal", "failure", "err", "warn")


def pytest_configure() -> None:
    """Puts the watch beside structlog and subprocess."""
    write, communicate = structlog.PrintLogger.msg, subprocess.Popen.communicate

    def written(logger: structlog.PrintLogger, message: str) -> None:
        WATCH.see(message, f"{os.environ.get('PYTEST_CURRENT_TEST', 'no test')}, the log")
        write(logger, message)

    def communicated(process, *args, **more):
        said = communicate(process, *args, **more)
        for name, text in zip(("stdout", "stderr"), said, strict=True):
            if text:
                WATCH.see(text if isinstance(text, str) else text.decode("latin-1"), f"{name} of {_title(process)}")
        return said

    for name in _WRITERS:
        if hasattr(structlog.PrintLogger, name):
            setattr(structlog.PrintLogger, name, written)
    subprocess.Popen.communicate = communicated


def _title(process: subprocess.Popen) -> str:
    """The program and its first words; a secret among the arguments would be masked in the report."""
    words = process.args if isinstance(process.args, list | tuple) else [process.args]
    return " ".join(map(str, words[:5]))


@pytest.fixture(scope="session", autouse=True)
def files_of_the_run(tmp_path_factory):
    """Where the watch looks in the end."""
    WATCH.folder = tmp_path_factory.getbasetemp()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for title, text in report.sections:
        WATCH.see(text, f"{report.nodeid}: {title}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    found = WATCH.look()
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    session.config.stash[FOUND] = found


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if found := config.stash.get(FOUND, []):
        terminalreporter.section("secrets that showed", red=True)
        for line in found[:_MOST]:
            terminalreporter.line(line)
        if len(found) > _MOST:
            terminalreporter.line(f"… and {len(found) - _MOST} more")
