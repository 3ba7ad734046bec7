"""F51: another program holds the write lock of the database."""

import http.client
import json
import socket
import sqlite3

from tests.faults.disk import ask, daemon_on, on_sim, send, text_in, until


class _Unix(http.client.HTTPConnection):
    def __init__(self, path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def post(home, text: str):
    connection = _Unix(home / "smsgwd.sock")
    try:
        body = json.dumps({"to": "+15550100777", "text": text})
        connection.request("POST", "/v1/messages", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), json.loads(answer.read())
    finally:
        connection.close()


def test_f51_a_foreign_lock_is_503_and_loses_nothing(tmp_path):
    """While the lock is held a text is answered 503 with Retry-After after the time-out of the lock; what people write
    stays on the SIM and is not acknowledged; the daemon goes on. Afterwards the text from the SIM is stored, once, and
    texts are taken again."""
    database = tmp_path / "q.db"
    with daemon_on(tmp_path, database) as running:
        other = sqlite3.connect(database, timeout=5, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            text_in(tmp_path, "my internet is down")
            status, after, problem = post(tmp_path, "while it is locked")
            assert (status, after, problem["type"]) == (503, "5", "urn:smsgwd:problem:store-unavailable")
            assert problem["detail"] == f"{database}: another program has locked it"
            assert on_sim(tmp_path) == 1
            assert running.process.poll() is None
            assert ask(running.config, "inbox", "list")["items"] == []  # looking goes on
        finally:
            other.execute("ROLLBACK")
            other.close()
        until(lambda: len(ask(running.config, "inbox", "list")["items"]) == 1, 30, "the text from the SIM")
        until(lambda: on_sim(tmp_path) == 0, 20, "the SIM is empty")
        assert send(running.config, "afterwards").returncode == 0
        assert len(ask(running.config, "inbox", "list")["items"]) == 1
        assert "Traceback" not in running.text()
