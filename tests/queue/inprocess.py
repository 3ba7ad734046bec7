"""A daemon in this process, on a folder of its own, with a plain link in the place of the modem."""

from pathlib import Path

from smsgwd.config.file import load
from smsgwd.daemon import Daemon, read_rules
from tests.queue.plainlink import PlainLink

CONFIG = """
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "US"
rules = "{home}/rules.d"
templates = "{home}/templates"
[api]
listen = "127.0.0.1:0"
[[link]]
name = "m1"
type = "modem"
port = "/dev/none"
number = "+15550100100"
"""


def furnished(home: Path) -> Path:
    """A folder with a configuration, and places for rules and templates."""
    for folder in ("rules.d", "templates"):
        (home / folder).mkdir()
    (home / "smsgwd.toml").write_text(CONFIG.format(home=home))
    return home


def built(home, queue, clock, link=None) -> Daemon:
    """A daemon whose only link is a plain one."""
    path = str(home / "smsgwd.toml")
    config = load(path)
    made = Daemon(path, config, read_rules(config), queue, clock)
    made.links = [(config.link[0], link or PlainLink())]
    return made
