"""STOP, START and HELP: built in, before all rules, and not to be switched off. Pure.

*Exact*: the text is a word of the list and nothing else, whatever its case, accents, punctuation or emoji. Opting out
has its full effect at once, and one confirmation. *Probable*: the text begins with STOP and goes on ("stop texting
me"), is a phrase such as "no more messages", or a typing slip: that is recorded for a person to look at, and automatic
answers stay off for it, because "STOP 12345" means different things to different people. CANCEL, END, QUIT and REMOVE with
more words are no such sign: "cancel my order" is a customer's wish.
"""

from __future__ import annotations

from smsgwd.model import ConsentChange, ConsentState
from smsgwd.rules.model import ConsentTexts, Inbound
from smsgwd.rules.text import Words, words


def _phrases(*texts: str) -> tuple[tuple[str, ...], ...]:
    """As plain words, in the order written: what is recorded as matched must not change from run to run."""
    return tuple(words(text).plain for text in texts)


#: the English words are those that carriers and providers require; the others are what people write there
STOP = frozenset(_phrases(
    "STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "REMOVE",
    "ARRET", "ARRETE", "ARRETT", "DESABONNER", "ALTO", "BAJA", "PARAR", "CANCELAR", "ANNULLA", "DISISCRIVIMI", "BASTA",
    "STOPP", "ABMELDEN", "SAIR", "AFMELDEN", "REZYGNUJE",
))  # fmt: skip
START = frozenset(_phrases("START", "UNSTOP"))
HELP = frozenset(_phrases("HELP", "INFO", "AIDE"))

_BEGINS = frozenset({"stop", "stopp", "stopall", "unsubscribe", "optout", "arret", "arrete"})
_SAYS = _phrases("remove me", "no more messages", "no more texts", "wrong number", "leave me alone", "stop texting",
                 "stop messaging", "opt out")  # fmt: skip
_SLIPS = frozenset(_phrases("SOTP", "STPO", "TSOP", "STOPO", "STTOP"))
#: so much of the text at most is recorded as what matched
_LONGEST = 60


def consent_of(
    inbound: Inbound, found: Words, before: ConsentState, texts: ConsentTexts
) -> tuple[ConsentChange | None, str]:
    """(what to record or None, the answer or ""). An answer comes with opt_out, opt_in and help alone.

    ``found`` are the words of the text. A second STOP is recorded but not confirmed again, and START of somebody who is
    opted in is not answered.
    """
    text = found.plain
    if text in STOP:
        answer = "" if before is ConsentState.OPTED_OUT else texts.stop
        return _change(inbound, "opt_out", "keyword", found.exact), answer
    if text in START:
        answer = "" if before is ConsentState.OPTED_IN else texts.start
        return _change(inbound, "opt_in", "keyword", found.exact), answer
    if text in HELP:
        return _change(inbound, "help", "keyword", found.exact), texts.help
    if text and (text[0] in _BEGINS or text in _SLIPS):
        return _change(inbound, "probable", "free_text", text[:1]), ""
    for phrase in _SAYS:
        if found.has_phrase(phrase):
            return _change(inbound, "probable", "free_text", phrase), ""
    return None, ""


def _change(inbound: Inbound, action: str, method: str, matched: tuple[str, ...]) -> ConsentChange:
    return ConsentChange(
        number=inbound.from_, action=action, method=method, matched=" ".join(matched)[:_LONGEST], message=inbound.message
    )
