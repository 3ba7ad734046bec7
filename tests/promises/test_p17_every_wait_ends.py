"""P17: every wait has a time-out on the monotonic clock; one table lists them (docs/limits.md, by docs/waits.py)."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def scanner():
    spec = importlib.util.spec_from_file_location("waits", ROOT / "docs" / "waits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WAITS = scanner()


def test_p17_every_wait_ends():
    """No `await` on something outside of the program is without a time-out, or a reason why it ends all the same."""
    found = WAITS.waits()
    assert [f"{w.file}:{w.line} {w.function} waits for {w.what}" for w in found if not w.ends] == []
    assert len(found) > 80


def test_p17_no_reason_is_left_over():
    """A reason stands only for a wait that is there and has no time of its own."""
    used = {(w.file, w.function) for w in WAITS.waits() if w.ends == WAITS.REASONS.get((w.file, w.function))}
    assert set(WAITS.REASONS) - used == set()


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        pytest.param("await reader.read(1)", [""], id="a read"),
        pytest.param("async with asyncio.timeout(T):\n  await reader.read(1)", ["T"], id="a read in time"),
        pytest.param("async with lock:\n  await reader.read(1)", [""], id="a lock is no time"),
        pytest.param("await came(stop, 5)", ["5"], id="its own time"),
        pytest.param("await any_came((a, b), None)", [""], id="None is no time"),
        pytest.param("await asyncio.wait(tasks)", [""], id="tasks"),
        pytest.param("await asyncio.wait(tasks, timeout=3)", ["3"], id="tasks in time"),
        pytest.param("await future", [""], id="a bare future"),
        pytest.param("async with asyncio.timeout(T):\n  async def g():\n    await reader.read(1)", [""], id="another function"),
        pytest.param("await self.queue.accept([])", [], id="a verb of the queue"),
    ],
)
def test_p17_the_look_itself(body, ends):
    """What the look at the source finds, and what it takes for an end."""
    lines = "\n".join(f"  {line}" for line in body.splitlines())
    assert [w.ends for w in WAITS.waits_of(f"async def f():\n{lines}\n", "x.py")] == ends


def test_p17_time_is_monotonic():
    """Nothing but `clock.py` imports time, so no wait can be by the wall clock: the loop's clock is monotonic."""
    importing = []
    for path in (ROOT / "smsgwd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            importing += [path.name] if "time" in names else []
    assert importing == ["clock.py"]
