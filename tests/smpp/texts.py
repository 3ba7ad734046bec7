"""Texts and carriers for the tests of what goes out and comes in."""

from smsgwd.config import SmppConfig
from smsgwd.model import Segment
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet


def carrier(**keys) -> SmppConfig:
    """A link with the given keys, and the defaults of the rest."""
    return SmppConfig(**{"name": "carrier", "type": "smpp", "host": "127.0.0.1", "number": "+15550100100", **keys})


def segment(text: str = "hello", alphabet: Alphabet = Alphabet.GSM7, **more) -> Segment:
    wanted = {"to": Address.parse("+15550100777"), **more}
    return Segment(submission="sub_0000000000001", message="msg_0000000000002", text=text, alphabet=alphabet, **wanted)
