"""STOP, START and HELP: built in, before all rules, and not to be switched off. Pure.

*Exact*: the text is a word of the list and nothing else, whatever its case, accents, punctuation or emoji. Opting out
has its full effect at once, and exactly one confirmation. *Probable*: the text begins with STOP and goes on ("stop texting
me"), is a phrase such as "no more messages", or a typing slip: that is recorded for a person to look at, and automatic
answers stay off for it, because "STOP 12345" means different things to different people. CANCEL, END, QUIT and REMOVE with
more words are no such sign: "cancel my order" is a customer's wish.
"""

from __future__ import annotations

from smsgwd.model import ConsentChange, ConsentState
from smsgwd.rules.model import ConsentTexts, Inbound
from smsgwd.rules.text import words


def _phrases(*texts: str) -> frozenset[tuple[str, ...]]:
    return frozenset(form for text in texts for form in (words(text).exact, words(text).plain))


#: the English words are those that carriers and providers require; the others are what people write there
STOP = _phrases(
    "STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "REMOVE",
    "ARRET", "ARRÊT", "ARRETE", "ARRETT", "DESABONNER", "ALTO", "BAJA", "PARAR", "CANCELAR", "ANNULLA", "DISISCRIVIMI",
    "BASTA", "STOPP", "ABMELDEN", "SAIR", "AFMELDEN", "REZYGNUJĘ",
)  # fmt: skip
START = _phrases("START", "UNSTOP")
HELP = _phrases("HELP", "INFO", "AIDE")

_BEGINS = frozenset({"stop", "stopp", "stopall", "unsubscribe", "optout", "arret", "arrêt"})
_SAYS = _phrases("remove me", "no more messages", "no more texts", "wrong number", "leave me alone", "stop texting",
                 "stop messaging")  # fmt: skip
_SLIPS = _phrases("SOTP", "STPO", "TSOP", "STOPO", "STTOP")


def consent_of(inbound: Inbound, before: ConsentState, texts: ConsentTexts) -> tuple[ConsentChange | None, str]:
    """(what to record or None, the answer or ""). An answer comes with opt_out, opt_in and help alone.

    A second STOP is recorded but not confirmed again, and START of somebody who is opted in is not answered.
    """
    found = words(inbound.text)
    forms = (found.exact, found.plain)
    matched = " ".join(found.exact)[:60]
    if any(form in STOP for form in forms):
        answer = "" if before is ConsentState.OPTED_OUT else texts.stop
        return _change(inbound, "opt_out", "keyword", matched), answer
    if any(form in START for form in forms):
        answer = "" if before is ConsentState.OPTED_IN else texts.start
        return _change(inbound, "opt_in", "keyword", matched), answer
    if any(form in HELP for form in forms):
        return _change(inbound, "help", "keyword", matched), texts.help
    if found.exact and (found.exact[0] in _BEGINS or any(form in _SLIPS for form in forms)):
        return _change(inbound, "probable", "free_text", found.exact[0]), ""
    for phrase in _SAYS:
        if found.has_phrase(phrase):
            return _change(inbound, "probable", "free_text", " ".join(phrase)), ""
    return None, ""


def _change(inbound: Inbound, action: str, method: str, matched: str) -> ConsentChange:
    return ConsentChange(number=inbound.from_, action=action, method=method, matched=matched, message=inbound.message)
