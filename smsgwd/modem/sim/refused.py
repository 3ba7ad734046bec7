"""How the simulated modem says no: ``+CMS ERROR`` (TS 27.005 section 3.2.5) and ``+CME ERROR`` (TS 27.007 section 9.2)."""

from __future__ import annotations

#: in words, for AT+CMEE=2; what is not here is told as a number
WORDS = {
    ("CME", 3): "operation not allowed", ("CME", 4): "operation not supported", ("CME", 10): "SIM not inserted",
    ("CME", 11): "SIM PIN required", ("CME", 12): "SIM PUK required", ("CME", 14): "SIM busy",
    ("CME", 16): "incorrect password", ("CME", 30): "no network service", ("CME", 50): "incorrect parameters",
    ("CMS", 302): "operation not allowed", ("CMS", 303): "operation not supported",
    ("CMS", 304): "invalid PDU mode parameter", ("CMS", 305): "invalid text mode parameter",
    ("CMS", 311): "SIM PIN required", ("CMS", 314): "SIM busy", ("CMS", 316): "SIM PUK required",
    ("CMS", 320): "memory failure", ("CMS", 321): "invalid memory index", ("CMS", 322): "memory full",
    ("CMS", 331): "no network service", ("CMS", 340): "no +CNMA acknowledgement expected",
}  # fmt: skip


class Refused(Exception):
    """A command that is answered with an error. ``kind`` is CMS or CME, or ERROR for the word alone."""

    def __init__(self, kind: str, code: int) -> None:
        self.kind, self.code = kind.upper(), code
        super().__init__(f"+{self.kind} ERROR: {code}")

    def line(self, cmee: int) -> str:
        """The final result. AT+CMEE=0 turns +CME ERROR to ERROR; +CMS ERROR is not under its rule, only its words are."""
        if self.kind == "ERROR" or (self.kind == "CME" and cmee == 0):
            return "ERROR"
        word = WORDS.get((self.kind, self.code)) if cmee == 2 else None
        return f"+{self.kind} ERROR: {word or self.code}"


#: a command that this port does not take
NOT_HERE = Refused("ERROR", 0)
#: an unknown command, a value that is none
NO_SUCH = Refused("CME", 4)
WRONG = Refused("CME", 50)
