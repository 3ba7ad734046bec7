"""Each condition: what it is true of, and what it refuses to be."""

from datetime import UTC, datetime

import pytest

from smsgwd.rules.conditions import READERS, View
from smsgwd.rules.text import words


def view(text="", **more) -> View:
    at = int(datetime.fromisoformat(more.pop("at", "2026-01-05T12:00+00:00")).timestamp() * 1000)
    return View(**{"words": words(text), "from_": "+15550100777", "link": "m1", "at": at, "first_contact": False, **more})


def read(name, value, **more):
    return READERS[name][0](value, {name: value, **more})


@pytest.mark.parametrize(
    ("name", "value", "seen", "wanted"),
    [
        pytest.param("keyword", "internet", view("My INTERNET is down"), True, id="keyword"),
        pytest.param("keyword", "inter", view("my internet"), False, id="keyword is a whole word"),
        pytest.param("keyword", ["wifi", "adsl"], view("ADSL?"), True, id="one of several keywords"),
        pytest.param("keyword", "città", view("in citta"), True, id="accent in the rule alone"),
        pytest.param("keyword", "citta", view("in città"), True, id="accent in the text alone"),
        pytest.param("keyword", "internet", view("l'internet ne marche pas"), True, id="keyword after an article"),
        pytest.param("phrase", "no internet", view("hello, no  Internet!"), True, id="phrase"),
        pytest.param("phrase", "no internet", view("no good internet"), False, id="phrase with a gap"),
        pytest.param("phrase", "it's down", view("it’s down"), True, id="phrase with an apostrophe"),
        pytest.param("exact", "yes", view("Yes!"), True, id="exact"),
        pytest.param("exact", "yes", view("yes please"), False, id="exact with more"),
        pytest.param("exact", ["yes", "oh yes"], view("oh, yes"), True, id="exact of two words"),
        pytest.param("from_prefix", "+1555", view(), True, id="prefix"),
        pytest.param("from_prefix", ["+44", "+1556"], view(), False, id="no prefix"),
        pytest.param("link", "m1", view(), True, id="link"),
        pytest.param("link", ["m2"], view(), False, id="other link"),
        pytest.param("tag", "vip", view(tags=frozenset({"vip"})), True, id="tag"),
        pytest.param("tag", "vip", view(), False, id="no tag"),
        pytest.param("meta", {"operator": "26201"}, view(meta={"operator": "26201", "x": "1"}), True, id="parameter"),
        pytest.param("meta", {"operator": "26201"}, view(meta={"operator": "26202"}), False, id="parameter of another value"),
        pytest.param("meta", {"operator": "26201"}, view(), False, id="no parameter"),
        pytest.param("meta", {"a": ["1", "2"], "b": "3"}, view(meta={"a": "2", "b": "3"}), True, id="two parameters"),
        pytest.param("meta", {"a": ["1", "2"], "b": "3"}, view(meta={"a": "2"}), False, id="one of two parameters"),
        pytest.param("first_contact", True, view(first_contact=True), True, id="first contact"),
        pytest.param("first_contact", False, view(first_contact=True), False, id="no first contact wanted"),
    ],
)
def test_holds(name, value, seen, wanted):
    """A condition is true of the texts it is meant for, and of no others."""
    assert read(name, value).holds(seen) is wanted


@pytest.mark.parametrize(
    ("hours", "zone", "at", "wanted"),
    [
        pytest.param("Mon-Fri 08:00-17:00", "UTC", "2026-01-05T08:00+00:00", True, id="first minute"),
        pytest.param("Mon-Fri 08:00-17:00", "UTC", "2026-01-05T17:00+00:00", False, id="end is outside"),
        pytest.param("Mon-Fri 08:00-17:00", "UTC", "2026-01-10T12:00+00:00", False, id="Saturday"),
        pytest.param("Fri-Mon 08:00-17:00", "UTC", "2026-01-04T12:00+00:00", True, id="days over the weekend"),
        pytest.param("monday,WED 08:00-17:00", "UTC", "2026-01-07T12:00+00:00", True, id="list of days, long names"),
        pytest.param("22:00-06:00", "UTC", "2026-01-05T03:00+00:00", True, id="over midnight, every day"),
        pytest.param("Fri 22:00-06:00", "UTC", "2026-01-10T05:59+00:00", True, id="Friday night ends on Saturday"),
        pytest.param("Fri 22:00-06:00", "UTC", "2026-01-09T05:59+00:00", False, id="Thursday night is not Friday's"),
        pytest.param("Sun 22:00-06:00", "UTC", "2026-01-05T01:00+00:00", True, id="Sunday night ends on Monday"),
        pytest.param("00:00-24:00", "UTC", "2026-01-05T23:59+00:00", True, id="whole day"),
        pytest.param("Mon 08:00-12:00; Sat 10:00-11:00", "UTC", "2026-01-10T10:30+00:00", True, id="second span"),
        pytest.param(["Mon 8:00-12:00", "Sat 10:00-11:00"], "UTC", "2026-01-05T08:30+00:00", True, id="list of spans"),
        pytest.param("Mon 08:00-17:00", "America/New_York", "2026-01-05T12:30+00:00", False, id="07:30 in New York"),
        pytest.param("Mon 08:00-17:00", "Pacific/Auckland", "2026-01-04T19:30+00:00", True, id="Monday in Auckland already"),
        pytest.param("08:00-09:00", "Europe/Vienna", "2026-07-06T06:30+00:00", True, id="summer time"),
        pytest.param("02:00-03:00", "Europe/Vienna", "2026-03-29T01:00+00:00", False, id="the hour that summer time skips"),
    ],
)
def test_hours(hours, zone, at, wanted):
    """Hours are those of the wall clock in the zone, days included."""
    assert read("hours", hours, tz=zone).holds(view(at=at)) is wanted


@pytest.mark.parametrize("machine", ["Europe/Vienna", "America/New_York"])
def test_hours_without_zone(monkeypatch, machine):
    """Without `tz` the zone of the machine counts."""
    import time
    from zoneinfo import ZoneInfo

    monkeypatch.setenv("TZ", machine)
    time.tzset()
    try:
        here = datetime(2026, 1, 5, 9, 30, tzinfo=ZoneInfo(machine)).astimezone(UTC).isoformat()
        assert read("hours", "Mon 09:00-10:00").holds(view(at=here))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("name", "value", "more", "wanted"),
    [
        pytest.param("keyword", "no internet", {}, "use phrase", id="keyword of two words"),
        pytest.param("keyword", "e-mail", {}, "use phrase", id="keyword with a hyphen"),
        pytest.param("keyword", "🙏", {}, "without letters", id="keyword of nothing"),
        pytest.param("keyword", 5, {}, "a text or a list", id="keyword of a number"),
        pytest.param("phrase", [], {}, "a text or a list", id="empty list"),
        pytest.param("phrase", ["good", ""], {}, "a text or a list", id="empty phrase"),
        pytest.param("exact", ["..."], {}, "without letters", id="exact of nothing"),
        pytest.param("from_prefix", "0043 1", {}, "beginning of a number", id="prefix with a space"),
        pytest.param("first_contact", "yes", {}, "true or false", id="first_contact as text"),
        pytest.param("meta", "26201", {}, "table of names and values", id="meta as text"),
        pytest.param("meta", {}, {}, "table of names and values", id="meta of nothing"),
        pytest.param("meta", {"a": 1}, {}, "a text or a list", id="meta of a number"),
        pytest.param("hours", "8-17", {}, "is not like", id="hours without minutes"),
        pytest.param("hours", "Mon-Fry 08:00-17:00", {}, "'Fry' is no day", id="misspelt day"),
        pytest.param("hours", "Monkey 08:00-17:00", {}, "'Monkey' is no day", id="day with a tail"),
        pytest.param("hours", "Mon- 08:00-17:00", {}, "'' is no day", id="half a range"),
        pytest.param("hours", "08:00-08:00", {}, "covers no time", id="empty span"),
        pytest.param("hours", "08:00-24:30", {}, "covers no time", id="25th hour"),
        pytest.param("hours", "24:00-08:00", {}, "covers no time", id="starts at the end"),
        pytest.param("hours", "08:00-09:00", {"tz": "Europe/Wien"}, "no time zone", id="unknown zone"),
        pytest.param("hours", "08:00-09:00", {"tz": "../../etc/passwd"}, "no time zone", id="zone as path"),
        pytest.param("hours", "08:00-09:00", {"tz": "Europe"}, "no time zone", id="zone that is a folder"),
        pytest.param("hours", "08:00-09:00", {"tz": 1}, "no time zone", id="zone as number"),
    ],
)
def test_refused(name, value, more, wanted):
    """A value that cannot be meant is refused with the reason."""
    with pytest.raises(ValueError, match=wanted):
        read(name, value, **more)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        pytest.param("keyword", ["Città", "town"], "keyword Città | town", id="keyword"),
        pytest.param("hours", "Mon 08:00-09:00", "hours Mon 08:00-09:00", id="hours"),
        pytest.param("first_contact", True, "first_contact true", id="first_contact"),
        pytest.param("meta", {"a": ["1", "2"], "b": "3"}, "meta a = 1 | 2 and b = 3", id="meta"),
    ],
)
def test_shown_as_written(name, value, wanted):
    """For people a condition reads as in the rule file."""
    assert str(read(name, value)) == wanted
