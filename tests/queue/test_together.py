"""Many rows in one step: all of them are written, in few statements, and read back as they are."""

import sqlite3
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.queue.together import ALIKE, MOST_PARAMETERS, SIZES, array, insert, lines, update

ITEMS = insert("item", "id, name, fixed", "(?, ?, 'x')")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def conn():
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, fixed TEXT, n INTEGER NOT NULL DEFAULT 0) STRICT")
    yield made
    made.close()


def traced(conn: sqlite3.Connection) -> list[str]:
    seen: list[str] = []
    conn.set_trace_callback(seen.append)
    return seen


@given(st.lists(TEXTS, max_size=300))
def test_all_rows_in_their_order(texts):
    """Any number of rows is written whole, and comes back through one array, octet for octet."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, fixed TEXT, n INTEGER NOT NULL DEFAULT 0) STRICT")
    ITEMS.write(made, [(n, text) for n, text in enumerate(texts)])
    query = array("id, name, fixed, n", "FROM (SELECT * FROM item ORDER BY id)")
    assert lines(made.execute(query)) == [[n, text, "x", 0] for n, text in enumerate(texts)]
    made.close()


@pytest.mark.parametrize(
    ("rows", "statements"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(1, 1, id="one"),
        pytest.param(8, 1, id="eight"),
        pytest.param(27, 2, id="24 and 3"),
        pytest.param(130, 3, id="64, 64 and 2"),
    ],
)
def test_few_statements(conn, rows, statements):
    """Rows cost one statement for each size, not one each."""
    seen = traced(conn)
    ITEMS.write(conn, [(n, "name") for n in range(rows)])
    assert len(seen) == statements
    assert conn.execute("SELECT count(*) FROM item").fetchone() == (rows,)


def test_parameters_are_bounded(conn):
    """A kind with many columns takes fewer rows in one statement."""
    columns = ", ".join(f"c{n}" for n in range(100))
    conn.execute(f"CREATE TABLE wide ({columns})")
    seen = traced(conn)
    insert("wide", columns).write(conn, [tuple(range(100))] * 12)
    assert [text.count("(0,") for text in seen] == [5, 5, 2]
    assert max(SIZES) * 2 <= MOST_PARAMETERS


def test_update_by_id(conn):
    """Each row gets its own values, and what is the same for all."""
    ITEMS.write(conn, [(n, "old") for n in range(3)])
    update("item", "name, fixed", "n = n + 1").write(conn, [("new", "a", 0), ("newer", "b", 2), ("none", "c", 9)])
    found = conn.execute("SELECT id, name, fixed, n FROM item ORDER BY id").fetchall()
    assert found == [(0, "new", "a", 1), (1, "old", "x", 0), (2, "newer", "b", 1)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=60), st.integers(0, 2**40))
def test_rows_that_become_the_same(values, first):
    """Are written by one statement, and each row gets what is its own, whatever stands beside it."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, fixed TEXT, n INTEGER NOT NULL DEFAULT 0) STRICT")
    ITEMS.write(made, [(first + n, "old") for n in range(len(values) + 1)])
    seen = traced(made)
    update("item", "name, n").write(made, [(*value, first + n) for n, value in enumerate(values)])
    few = sum(count for count in Counter(values).values() if count < ALIKE)
    assert len(seen) == few + sum(count >= ALIKE for count in Counter(values).values())
    made.set_trace_callback(None)
    assert made.execute("SELECT name, n FROM item ORDER BY id").fetchall() == [*values, ("old", 0)]
    made.close()


def test_refused_row_refuses_its_statement(conn):
    """A row that may not be written raises, and nothing of its statement is there."""
    with pytest.raises(sqlite3.IntegrityError):
        ITEMS.write(conn, [(1, "a"), (1, "b")])
    assert conn.execute("SELECT count(*) FROM item").fetchone() == (0,)


def test_nulls_and_large_numbers(conn):
    """NULL stays NULL, and 64 bits stay 64 bits."""
    ITEMS.write(conn, [(2**62 + 1, None)])
    assert lines(conn.execute(array("id, name", "FROM item"))) == [[2**62 + 1, None]]
