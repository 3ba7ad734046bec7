"""The configuration: what is read, what is wrong, that secrets stay secret, and that the shipped samples say it all."""

import json
import pickle
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd import config as module
from smsgwd.cli.rehearsal import run_tests
from smsgwd.config import (
    Config,
    Helpdesk,
    ModemConfig,
    Secret,
    Section,
    SmppConfig,
    key_of,
    parse_duration,
    parse_rate,
)
from smsgwd.config.file import load, parse
from smsgwd.errors import ConfigError
from smsgwd.rules.lint import warnings
from smsgwd.rules.load import load_rules
from tests.canaries import LONG_PASSWORD

ETC = Path(__file__).parents[1] / "etc"
MODEM = '[[link]]\nname = "m1"\ntype = "modem"\nport = "/dev/ttyUSB0"\n'
SMPP = '[[link]]\nname = "c"\ntype = "smpp"\nhost = "smsc.example.net"\n'
TLV = "tlv = [{{ tag = 0x1400, type = '{}', value = '{}' }}]\n"
DESK = '[[helpdesk]]\nname = "d"\nurl = "https://desk.example.net/x"\n'


def problems(text: str, environ=None) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x.toml", environ or {})
    assert all(p.file == "x.toml" for p in caught.value.problems)
    return [(p.path, p.message) for p in caught.value.problems]


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        pytest.param("[gateway\n", "", "not TOML", id="not TOML"),
        pytest.param("[gatway]\n", "gatway", "unknown key; did you mean 'gateway'?", id="misspelt section"),
        pytest.param('[gateway]\nsokcet = "x"\n', "gateway.sokcet", "did you mean 'socket'?", id="misspelt key"),
        pytest.param("[gateway]\nzzz = 1\n", "gateway.zzz", "unknown key", id="unknown key, nothing near"),
        pytest.param("gateway = 1\n", "gateway", "must be a table, not a whole number", id="section as number"),
        pytest.param("[gateway]\nname = 5\n", "gateway.name", "must be text, not a whole number", id="number for a text"),
        pytest.param("[limits]\nsegments = 'ten'\n", "limits.segments", "must be a whole number, not text", id="text for a number"),
        pytest.param("[limits]\nsegments = 0\n", "limits.segments", "must be 1 or more", id="too small"),
        pytest.param("[limits]\nsegments = 256\n", "limits.segments", "must be 255 or less", id="too large"),
        pytest.param("[loops]\nglobal_ = 1\n", "loops.global_", "did you mean 'global'?", id="the name in Python"),
        pytest.param("[gateway]\nallow = 'US'\n", "gateway.allow", "must be a list, not text", id="text for a list"),
        pytest.param("[gateway]\ncountry = 'us'\n", "gateway.country", "two capital letters", id="country"),
        pytest.param("[gateway]\ncountry = 'ZZ'\n", "gateway.country", "no country", id="country that is none"),
        pytest.param("[gateway]\nallow = ['US', 5]\n", "gateway.allow[1]", "must be text, not a whole number", id="item"),
        pytest.param(MODEM + "national = ['tr', 'pl']\n", "link[0].national[1]", "no language with", id="language"),
        pytest.param(DESK + "events = ['message.sen']\n", "helpdesk[0].events[0]", "mean 'message.sent'", id="event kind"),
        pytest.param("[gateway]\nallow = ['US', 'usa']\n", "gateway.allow[1]", "neither a country", id="allow"),
        pytest.param("[retention]\ntext = '90 days'\n", "retention.text", "is not a duration", id="duration in words"),
        pytest.param("[retention]\ntext = 90\n", "retention.text", "is not a duration", id="duration without unit"),
        pytest.param("[retention]\ntext = ['90d']\n", "retention.text", "is not a duration", id="duration as list"),
        pytest.param("[[link]]\nname = 'x'\n", "link[0].type", '"modem" or "smpp"', id="link without type"),
        pytest.param("[[link]]\nname = 'x'\ntype = 'fax'\n", "link[0].type", '"modem" or "smpp"', id="unknown type"),
        pytest.param("[[link]]\nname = 'x'\ntype = 'modem'\n", "link[0].port", "missing", id="modem without port"),
        pytest.param("[[link]]\ntype = 'smpp'\nhost = 'h'\n", "link[0].name", "missing", id="link without name"),
        pytest.param("[link]\nname = 'x'\n", "link", "must be a list, not a table", id="one bracket"),
        pytest.param(MODEM + MODEM, "link[1].name", "'m1' is used twice", id="name twice"),
        pytest.param(MODEM.replace("m1", "m 1"), "link[0].name", "letters, digits", id="name with a space"),
        pytest.param(MODEM + "host = 'h'\n", "link[0].host", "unknown key", id="key of the other type"),
        pytest.param(MODEM + "number = '0664 123'\n", "link[0].number", "must be +digits", id="national number"),
        pytest.param(MODEM + "number = 'A long name of ours'\n", "link[0].number", "up to 11 letters", id="long name"),
        pytest.param(MODEM + "prefixes = ['1']\n", "link[0].prefixes[0]", "is not a prefix", id="prefix without +"),
        pytest.param(MODEM + "classes = ['urgent']\n", "link[0].classes[0]", "known: bulk, normal, alarm", id="class"),
        pytest.param(MODEM + "rate = '10 a minute'\n", "link[0].rate", "is not a rate", id="rate in words"),
        pytest.param(MODEM + "rate = '0/m'\n", "link[0].rate", "is not a rate", id="rate of nothing"),
        pytest.param(MODEM + "weight = 1001\n", "link[0].weight", "must be 1000 or less", id="weight"),
        pytest.param(MODEM + "pin = 1234\n", "link[0].pin", "must be a string, or a table", id="PIN as number"),
        pytest.param(MODEM + "pin = { fil = 'x' }\n", "link[0].pin", "credential, file, env", id="secret from nowhere"),
        pytest.param(MODEM + "pin = { file = 'x', env = 'y' }\n", "link[0].pin", "one of", id="secret from two places"),
        pytest.param(MODEM + "pin = { env = '' }\n", "link[0].pin", "env must be a name", id="secret without name"),
        pytest.param(MODEM + "pin = { env = 'NO_PIN' }\n", "link[0].pin", "has no NO_PIN", id="variable not there"),
        pytest.param(MODEM + "pin = { file = '/nowhere' }\n", "link[0].pin", "/nowhere: No such file", id="file not there"),
        pytest.param(SMPP + "bind = 'both'\n", "link[0].bind", "known: transceiver", id="bind"),
        pytest.param(SMPP + "port = 70000\n", "link[0].port", "must be 65535 or less", id="port"),
        pytest.param(SMPP + "short_code = '999/999'\n", "link[0].short_code", "two numbers up to 255", id="TON too large"),
        pytest.param(SMPP + "short_code = '3/256'\n", "link[0].short_code", "two numbers up to 255", id="NPI too large"),
        pytest.param(SMPP + TLV.format("int1", "256"), "link[0].tlv[0].value", "no number from 0 to 255", id="TLV too large"),
        pytest.param(SMPP + TLV.format("int2", "ten"), "link[0].tlv[0].value", "'ten' is no number", id="TLV no number"),
        pytest.param(SMPP + TLV.format("octets", "0xZZ"), "link[0].tlv[0].value", "octets in hex", id="TLV no octets"),
        pytest.param(SMPP + TLV.format("string", "x" * 1025), "link[0].tlv[0].value", "at most 1024", id="TLV too long"),
        pytest.param(SMPP + "throughput = -1\n", "link[0].throughput", "must be 0 or more", id="throughput"),
        pytest.param(DESK + DESK, "helpdesk[1].name", "is used twice", id="desk twice"),
        pytest.param(DESK + "type = 'fax'\n", "helpdesk[0].type", "is not known", id="desk of unknown type"),
        pytest.param(DESK.replace("https", "ftp"), "helpdesk[0].url", "http or https", id="other scheme"),
        pytest.param("[api]\nlisten = '127.0.0.1:99999'\n", "api.listen", "must be host:port", id="no such port"),
        pytest.param("[api]\nlisten = '8480'\n", "api.listen", "must be host:port", id="listen without host"),
    ],
)
def test_mistakes(text, path, wanted):
    """A mistake has the path of its key and says what would be right."""
    (found,) = problems(text)
    assert found[0] == path
    assert wanted in found[1]


def test_all_mistakes_at_once():
    """Every mistake of a file is told, not the first alone."""
    text = "[gateway]\nnaem = 'x'\nallow = 5\n[retention]\ntext = 'x'\n" + MODEM + "wieght = 5\n[[link]]\ntype = 'modem'\n"
    paths = [path for path, _ in problems(text)]
    wrong_values = MODEM + "rate = 'often'\nprefixes = ['1']\n" + DESK.replace("https", "ftp") + "[api]\nlisten = 'x'\n"
    mixed = [path for path, _ in problems(wrong_values + "[gateway]\ncountry = 'ZZ'\nnaem = 'x'\n" + SMPP)]
    assert sorted(mixed) == [
        "api.listen", "gateway.country", "gateway.naem", "helpdesk[0].url", "link[0].prefixes[0]", "link[0].rate",
    ]  # fmt: skip
    assert paths == ["gateway.naem", "gateway.allow", "link[0].wieght", "link[1].name", "link[1].port", "retention.text"]


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [pytest.param(None, "No such file", id="not there"), pytest.param(b"# \xff\n", "not UTF-8", id="not UTF-8")],
)
def test_file_that_cannot_be_read(tmp_path, raw, wanted):
    """A file that cannot be read is a problem with its name."""
    path = tmp_path / "smsgwd.toml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(ConfigError, match=f"{path}: cannot be read: {wanted}"):
        load(path, {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("30s", 30, id="seconds"),
        pytest.param("10m", 600, id="minutes"),
        pytest.param("12h", 43200, id="hours"),
        pytest.param("90d", 7776000, id="days"),
        pytest.param(" 2w ", 1209600, id="weeks, spaces"),
    ],
)
def test_duration(text, seconds):
    """A number with its unit."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        pytest.param("", 0.0, id="no limit"),
        pytest.param("1/s", 1.0, id="a second"),
        pytest.param("30/m", 0.5, id="a minute"),
        pytest.param("900/h", 0.25, id="an hour"),
    ],
)
def test_rate(text, rate):
    """Segments a second."""
    assert parse_rate(text) == rate


@given(st.text(max_size=12))
@settings(max_examples=200)
def test_duration_and_rate_of_any_text(text):
    """Any text is a duration or rate, or is refused with ValueError; nothing negative comes out."""
    for read in (parse_duration, parse_rate):
        with suppress(ValueError):
            assert read(text) >= 0


_JUNK = st.recursive(
    st.booleans() | st.integers(-5, 70000) | st.text(max_size=5), lambda x: st.lists(x, max_size=2), max_leaves=4
)
_SECTIONS = [key_of(f.name) for f in msgspec.structs.fields(Config)]


@given(st.dictionaries(st.sampled_from(_SECTIONS), _JUNK | st.dictionaries(st.sampled_from(["name", "type", "text"]), _JUNK)))
@settings(max_examples=100)
def test_any_document_is_read_or_refused(document):
    """Whatever stands under a key: a configuration, or ConfigError."""
    lines = [f"{key} = {_toml(value)}" for key, value in document.items()]
    with suppress(ConfigError):
        assert isinstance(parse("\n".join(lines), "x.toml", {}), Config)


def _toml(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(map(_toml, value)) + " ]"
    return json.dumps(value).replace("\x7f", "\\u007f")


# ---- secrets ---------------------------------------------------------------------------------------------------------

SECRET = LONG_PASSWORD


@pytest.fixture
def secret_config(tmp_path):
    """A configuration whose three secrets come from a variable, a file, and a credential."""
    (tmp_path / "pin").write_text(SECRET + "\n")
    (tmp_path / "smsgwd_hook").write_text(SECRET)
    text = (
        MODEM + f"pin = {{ file = '{tmp_path}/pin' }}\n" + SMPP + "password = { env = 'PW' }\n" + DESK + "secret = { credential = 'hook' }\n"
    )
    return text, {"PW": SECRET, "CREDENTIALS_DIRECTORY": str(tmp_path)}


def test_secrets_are_read(secret_config):
    """From file, environment and credential; a credential may carry the prefix smsgwd_."""
    config = parse(secret_config[0], environ=secret_config[1])
    modem, smpp = config.link
    assert isinstance(modem, ModemConfig)
    assert isinstance(smpp, SmppConfig)
    found = [modem.pin, smpp.password, config.helpdesk[0].secret]
    assert [s.reveal() if s else None for s in found] == [SECRET] * 3


def test_secrets_stay_unread(secret_config):
    """The command line does not need them, and need not be allowed to read them."""
    config = parse(secret_config[0], environ={}, reveal=False)
    assert isinstance(config.link[0], ModemConfig)
    assert config.link[0].pin == Secret("")


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda c: f"{c}", id="format"),
        pytest.param(lambda c: repr(c.link[0].pin), id="repr of the secret"),
        pytest.param(lambda c: f"{c.link[0].pin}", id="format of the secret"),
        pytest.param(lambda c: repr(msgspec.structs.asdict(c.link[0])), id="as a dictionary"),
    ],
)
def test_secrets_never_show(secret_config, show):
    """No way of printing a configuration prints a secret."""
    assert SECRET not in show(parse(secret_config[0], environ=secret_config[1]))


def test_secrets_are_neither_json_nor_pickles(secret_config):
    """What would write a secret somewhere fails instead."""
    config = parse(secret_config[0], environ=secret_config[1])
    with pytest.raises(TypeError):
        msgspec.json.encode(config)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(config)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(MODEM + f"pin = ['{SECRET}']\n", id="wrong type"),
        pytest.param(MODEM + f"pin = {{ value = '{SECRET}' }}\n", id="wrong key"),
        pytest.param(MODEM + f"pin = '{SECRET}'\nweight = 'x'\n", id="another mistake beside it"),
        pytest.param(MODEM + f"pin = '{SECRET}\n", id="text without an end"),
        pytest.param(MODEM.replace("m1", "m 1") + f"pin = '{SECRET}'\n", id="a mistake found later"),
    ],
)
def test_secrets_are_in_no_error(text):
    """The message of a mistake never quotes a secret."""
    with pytest.raises(ConfigError) as caught:
        parse(text, environ={})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.problems)


# ---- the shipped samples -----------------------------------------------------------------------------------------------

SAMPLE = (ETC / "smsgwd.toml").read_text()
#: a setting that is not in force: "#" and at once a letter or a bracket
_SETTING = re.compile(r"^#(?=[a-z\[])", re.MULTILINE)
UNCOMMENTED = _SETTING.sub("", SAMPLE)
KINDS = {
    "link[0]": ModemConfig, "link[1]": SmppConfig, "helpdesk[0]": Helpdesk,
    **{
        key_of(f.name): hint for f in msgspec.structs.fields(Config)
        if isinstance(hint := get_type_hints(Config)[f.name], type) and issubclass(hint, Section)
    },
}  # fmt: skip


def tables() -> dict[str, dict[str, object]]:
    """The tables of the sample with every setting in force, by path."""
    found = {}
    for name, value in tomllib.loads(UNCOMMENTED).items():
        for i, table in enumerate(value if isinstance(value, list) else [value]):
            found[f"{name}[{i}]" if isinstance(value, list) else name] = table
    return found


def comments() -> dict[str, dict[str, str]]:
    """The comment right above each setting, by path and key."""
    found: dict[str, dict[str, str]] = {}
    path, above, counts = "", [], {}
    for line in SAMPLE.splitlines():
        head = re.match(r"#?\[(\[?)([a-z]+)\]\]?$", line)
        setting = re.match(r"#?([a-z_0-9]+) = ", line)
        if head:
            counts[head[2]] = counts.get(head[2], -1) + 1
            path = f"{head[2]}[{counts[head[2]]}]" if head[1] else head[2]
        elif setting:
            found.setdefault(path, {})[setting[1]] = " ".join(above)
        above = [*above, line[2:]] if line.startswith("# ") else []
    return found


def helps(kind) -> dict[str, str]:
    """The help of each key of a section."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        assert get_origin(hint) is Annotated, f"{kind.__name__}.{name} has no help"
        found[key_of(name)] = next(m.description for m in hint.__metadata__ if isinstance(m, msgspec.Meta) and m.description)
    return found


def test_sample_as_shipped():
    """The shipped file is right as it is: no link, all defaults."""
    assert load(ETC / "smsgwd.toml", {}) == Config()


def test_sample_with_all_settings():
    """With every setting in force it is right too, and what it shows as a default is one."""
    config = parse(UNCOMMENTED, reveal=False)
    for name, kind in KINDS.items():
        if "[" not in name:
            assert getattr(config, name) == kind(), name
    for shown in (*config.link, *config.helpdesk):
        for field in msgspec.structs.fields(type(shown)):
            examples = ("port", "number", "pin", "password", "secret")
            if not field.required and field.name not in examples:
                default = {} if field.default_factory is dict else field.default
                assert getattr(shown, field.name) == default, field.name


def test_sample_has_every_key():
    """Every key of every section is in the file, and no other."""
    assert {name: set(table) for name, table in tables().items()} == {name: set(helps(kind)) for name, kind in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_sample_has_every_help(name):
    """Above each setting stands its help, word for word."""
    told = comments().get(name, {})
    for key, text in helps(KINDS[name]).items():
        assert text in told[key], key


def test_every_section_is_known():
    """No section of the configuration was forgotten by these tests."""
    sections = {s for s in vars(module).values() if isinstance(s, type) and issubclass(s, Section) and get_type_hints(s)}
    assert sections - {Section, Config, module.LinkConfig, module.Tls} <= set(KINDS.values())
    assert get_args(get_args(get_type_hints(Config)["link"])[0]) == (ModemConfig, SmppConfig)


def test_sample_rules_as_shipped():
    """The shipped rules are right for the shipped configuration, and none is in force."""
    assert load_rules(ETC / "rules.d", ETC / "templates", desks=()).rules == ()


def test_sample_rules_enabled(tmp_path):
    """Enabled, they are right, no warning is due, and their tests pass."""
    for path in (ETC / "rules.d").glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text().replace("enabled = false", "enabled = true"))
    rules = load_rules(tmp_path, ETC / "templates", desks=("support",))
    assert len(rules.rules) == 6
    assert warnings(rules) == []
    assert {test.rule for test in rules.tests} == {rule.id for rule in rules.rules}
    assert [r["why"] for r in run_tests(rules, Config()) if not r["ok"]] == []
