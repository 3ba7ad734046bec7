"""Which link carries a text, when, and whether at all. Pure: everything is given, time too, and answers are data.

======== =========================================================================
answers  Route, NoRoute, NotBefore
links    a link as routing sees it, and the roster of all
choose   which link: sender, thread, prefixes, class, health, cost, weight
numbers  what is known of a number: its countries, whether it is a premium one
policy   who may be written to at all
caps     segments and money of a day and a month, by link and by token
pumping  rows of neighbouring numbers, which no honest caller writes to
quiet    hours in which people are left alone, by the recipient's time zone
rates    so many texts in so long: to a prefix, to a person
======== =========================================================================
"""

from __future__ import annotations

from smsgwd.routing.answers import NoRoute, NotBefore, Route
from smsgwd.routing.choose import choose
from smsgwd.routing.links import Roster, RouteLink, matched_prefix

__all__ = ["NoRoute", "NotBefore", "Roster", "Route", "RouteLink", "choose", "matched_prefix"]
