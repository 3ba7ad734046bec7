"""Which links of a configuration share an account at a carrier."""

from smsgwd.config.file import parse
from smsgwd.daemon import accounts, queue_limits

LINK = """
[[link]]
name = "{}"
type = "smpp"
host = "{}"
number = "+15550100100"
system_id = "{}"
{}
"""


def _accounts(*links: tuple[str, ...]):
    config = parse('[gateway]\ncountry = "US"\n' + "".join(LINK.format(*link, *[""] * (4 - len(link))) for link in links))
    assert queue_limits(config).accounts == accounts(config)
    return accounts(config)


def test_the_same_account():
    """The same system_id at the same hosts, in any order: each link knows all of them, itself first."""
    found = _accounts(
        ("a", "x.example", "me", 'hosts = ["y.example"]'), ("b", "y.example", "me", 'hosts = ["x.example"]'),
        ("c", "x.example", "me"), ("d", "x.example", "you"),
    )  # fmt: skip
    assert found == {"a": ("a", "b"), "b": ("b", "a")}


def test_no_account():
    """Links without a system_id share nothing, wherever they connect."""
    assert _accounts(("a", "x.example", ""), ("b", "x.example", "")) == {}
