"""Runs the command that switches a modem's power: no shell, a time-out, and its end told in one line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

#: seconds that the command may take
PATIENCE = 60.0


async def run_command(arguments: Sequence[str]) -> str:
    """How it ended, for an operator: ``done``, or what went wrong. What it prints is not kept."""
    program = arguments[0].rpartition("/")[2]
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as e:
        return f"{program} cannot be run: {e.strerror}"
    try:
        status = await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        return f"{program} did not end in {PATIENCE:.0f} s and was killed"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return "done" if status == 0 else f"{program} ended with status {status}"
