"""Modem families as data: what a row may say, how a site changes it, and which row a modem gets."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import ConfigError
from smsgwd.modem import commands
from smsgwd.modem.profile import Profile, Quirk, find_profile, profile_for, profile_problems, profiles, recognise

ROWS = profiles()
QUIRK = '[[profile.quirk]]\ndevice = "M1"\nfirmware = "1.0"\nsymptom = "says nothing"\n'


@pytest.fixture
def site(tmp_path):
    """Writes files of rows and reads them with ours."""

    def read(**files: str) -> dict[str, Profile]:
        for name, text in files.items():
            (tmp_path / f"{name}.toml").write_text(text)
        return profiles(str(tmp_path))

    return read


def problems(read, text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        read(mine=text)
    assert all(p.file.endswith("/mine.toml") for p in caught.value.problems)
    return [(p.path, p.message) for p in caught.value.problems]


# ---- our rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_every_row(name):
    """Loads, has a title and sources, and is tried on no hardware until somebody says so with a report."""
    row = find_profile(name)
    assert row.name == name
    assert row.title
    assert row.sources or name == "generic"
    assert row.tried is (row.proof == "hardware") is bool(row.report)
    assert all(quirk.source for quirk in row.quirks)
    for line in (*row.init, row.iccid, row.signal):
        assert commands.init_line(line).text == line


def test_families():
    """All families of the plan are there, and those that cannot be found by USB are found by name."""
    assert len(ROWS) >= 20
    assert {n for n, row in ROWS.items() if not row.devices} == {"generic", "simcom-sim800", "wavecom-fastrack"}
    assert all(row.model for row in ROWS.values() if not row.devices and row.name != "generic")


def test_generic_is_the_struct():
    """Where generic and the struct differ it is on purpose: a test that builds a Profile gets what modems get."""
    plain, generic = Profile(), ROWS["generic"]
    differs = {f.name for f in msgspec.structs.fields(Profile) if getattr(plain, f.name) != getattr(generic, f.name)}
    assert differs == {"title", "proof", "speeds"}
    assert generic.cnmi == commands.NOTIFICATIONS


def test_an_id_has_one_place():
    """Each USB id is in one layout of one family; GNSS receivers and general adapters are in none."""
    ids = [usb for row in ROWS.values() for layout in row.devices for usb in layout.usb]
    assert len(ids) > 40
    assert len(set(ids)) == len(ids)
    assert not {"1a86:7523", "10c4:ea60"} & set(ids)
    assert not any(re.fullmatch(r"1546:01a[5-9]", usb) for usb in ids)


def test_what_a_row_leaves_out_is_generic():
    """Inherited, but for what makes a family."""
    huawei = ROWS["huawei-3g"]
    assert huawei.speeds == ROWS["generic"].speeds == (115200, 9600)
    assert (huawei.memories, huawei.reset, huawei.ussd) == (("SM",), "none", "packed")
    assert huawei.proof == "simulated"
    assert ROWS["huawei-mu609"].proof == "documents"


def test_auto_is_generic_and_unknown_is_an_error():
    """The error names the rows there are."""
    assert find_profile("auto") == ROWS["generic"]
    with pytest.raises(ConfigError, match=r"'nokia' is not known; known: auto, .*quectel-ec25.*wavecom-fastrack"):
        find_profile("nokia")


# ---- which one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usb", "interface", "maker", "model", "wanted"),
    [
        pytest.param("2c7c:0125", "02", "", "", "quectel-ec25", id="id"),
        pytest.param("2c7c:0125", "02", "Quectel", "BG96", "quectel-lte", id="the model wins over the id"),
        pytest.param("1e0e:9001", "", "SIMCOM INCORPORATED", "SIMCOM_SIM7070G", "simcom-sim7070", id="an id of three families"),
        pytest.param("2c7c:0125", "02", "Quectel", "unheard of", "quectel-ec25", id="a model nobody knows: the id"),
        pytest.param("", "", "huawei", "E1752", "huawei-3g", id="model alone"),
        pytest.param("", "", " HUAWEI ", " e1752 ", "huawei-3g", id="blanks and capitals"),
        pytest.param("", "", "Acme", "E1752", "generic", id="the model of another maker"),
        pytest.param("", "", "Telit", "LE910C1-EU", "telit-le910c1", id="a short pattern"),
        pytest.param("", "", "Telit", "LE910C1-EUX", "telit-le910c1-eux", id="the longer pattern wins"),
        pytest.param("", "", "WAVECOM MODEM", "MULTIBAND 900E 1800", "wavecom-fastrack", id="the maker is enough"),
        pytest.param("", "", "", "", "generic", id="nothing is known"),
        pytest.param("ffff:ffff", "00", "", "", "generic", id="unknown id"),
    ],
)  # fmt: skip
def test_choice(usb, interface, maker, model, wanted):
    """Model name, then USB id, then generic."""
    assert profile_for(usb, interface, maker, model, ROWS).name == wanted


def test_recognise_keeps_the_current_one():
    """A modem whose names fit nothing stays what it was taken for."""
    current = ROWS["zte-mf"]
    assert recognise("Acme", "M1", current, ROWS) is current
    assert recognise("Quectel", "EC25", current, ROWS).name == "quectel-ec25"


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
@settings(max_examples=50)
def test_choice_never_fails(usb, maker, model):
    """Whatever a device says of itself, it gets a row."""
    assert profile_for(usb, "", maker, model, ROWS).name in ROWS


# ---- a site's own --------------------------------------------------------------------------------------------------


def test_a_new_family(site):
    """Comes before ours, also for an id that ours has."""
    rows = site(a='[[profile]]\nname = "ours"\nusb = ["2c7c:0125"]\nat = { interface = "04" }\nstorage = ["ME"]\n' + QUIRK)
    assert next(iter(rows)) == "ours"
    assert rows["ours"].memories == ("ME",)
    assert rows["ours"].quirks == (Quirk(device="M1", firmware="1.0", symptom="says nothing"),)
    assert profile_for("2c7c:0125", "", "", "", rows).name == "ours"
    assert len(rows) == len(ROWS) + 1


def test_a_change_of_ours(site):
    """Keys that are named change, the others stay; other rows are as they were."""
    rows = site(a='[[profile]]\nname = "huawei-3g"\nlongest_answer = 300\n')
    assert rows["huawei-3g"] == msgspec.structs.replace(ROWS["huawei-3g"], silence=300)
    assert {k: v for k, v in rows.items() if k != "huawei-3g"} == {k: v for k, v in ROWS.items() if k != "huawei-3g"}


def test_a_change_of_generic(site):
    """Reaches every row that does not say otherwise."""
    rows = site(a='[[profile]]\nname = "generic"\nprompt = 20\nstorage = ["ME"]\ntitle = "mine"\n')
    assert {row.prompt for row in rows.values()} == {20}
    assert rows["longcheer"].memories == ("ME",)
    assert rows["huawei-3g"].memories == ("SM",)
    assert rows["longcheer"].title == ROWS["longcheer"].title


def test_the_names_of_the_file(site):
    """The file says storage, ccid, probe_tries, cmgs_timeout, longest_answer."""
    row = site(a='[[profile]]\nname = "x"\nstorage = ["SM"]\nccid = "AT^ICCID?"\nprobe_tries = 7\ncmgs_timeout = 90\nlongest_answer = 91\n')["x"]
    assert (row.memories, row.iccid, row.probes, row.answer, row.silence) == (("SM",), "AT^ICCID?", 7, 90, 91)


def test_no_folder_and_other_files(site, tmp_path):
    """A folder that is not there has no rows; files that are no *.toml are not read."""
    assert profiles(str(tmp_path / "nowhere")) == ROWS
    (tmp_path / "notes.txt").write_text("not TOML")
    assert site() == ROWS


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param("baud = 9600", "profile[0].baud", "unknown key", id="unknown key"),
        pytest.param("storag = ['SM']", "profile[0].storag", "unknown key; did you mean 'storage'?", id="misspelt key"),
        pytest.param("memories = ['SM']", "profile[0].memories", "unknown key", id="the name that Python has"),
        pytest.param("storage = 'SM'", "profile[0].storage", "must be a list, not text", id="wrong type"),
        pytest.param("storage = ['SM', 'sim']", "profile[0].storage[1]", "must be two capital letters", id="storage"),
        pytest.param("storage = []", "profile[0].storage", "must be at least one storage", id="no storage"),
        pytest.param("init = [\"AT\\n\"]", "profile[0].init[0]", "must be an AT command", id="a line end"),
        pytest.param("reset = 'usb'", "profile[0].reset", "must be none or cfun", id="one of a few"),
        pytest.param("cmgs_timeout = -1", "profile[0].cmgs_timeout", "must be seconds, from 0 to 3600", id="out of bounds"),
        pytest.param("cmgs_timeout = 500", "profile[0].longest_answer", "must not be less than cmgs_timeout", id="longest answer"),
        pytest.param("init = ['rm -rf']", "profile[0].init[0]", "must be an AT command", id="no AT command"),
        pytest.param("init = [\"AT\\u001a\"]", "profile[0].init[0]", "must be an AT command", id="a control character"),
        pytest.param("may_fail = ['AT']", "profile[0].may_fail", "AT is not in init", id="may_fail without init"),
        pytest.param("never = ['AT+CCID']", "profile[0].never", "AT+CCID is sent by this profile", id="never, and sent"),
        pytest.param("usb = ['2C7C:125']\nat = {interface='02'}", "profile[0].usb[0]", "must be vendor:product in small hex digits, such as 2c7c:0125", id="USB id"),
        pytest.param("usb = ['aaaa:0001']", "profile[0].at", "missing; which port takes AT?", id="no port"),
        pytest.param("at = {interface='02'}", "profile[0].usb", "missing; which devices?", id="no device"),
        pytest.param("usb = ['aaaa:0001']\nat = {protocol='02'}", "profile[0].at", "must name an interface, or a class", id="neither interface nor class"),
        pytest.param("usb = ['aaaa:0001']\nat = {interface='2'}", "profile[0].at", "'2' is not two small hex digits", id="interface"),
        pytest.param("usb = ['aaaa:0001']\nat = {interface='02', other='03'}", "profile[0].at.other", "unknown key", id="unknown key inside"),
        pytest.param("usb = ['aaaa:0001']\nat = {interface='02'}\nother = [{what='qcdm', interface='02'}]", "profile[0].other", "interface 02 is an AT port of aaaa:0001", id="a port twice"),
        pytest.param("usb = ['aaaa:0001', 'aaaa:0001']\nat = {interface='02'}", "profile[0].usb", "aaaa:0001 belongs to x too", id="an id twice"),
        pytest.param("cms = {511='busy'}", "profile[0].cms.511", "must be a code from 512 on, 332 or 500", id="a standard's code"),
        pytest.param("cms = {512='bad'}", "profile[0].cms[...]", "must be permanent or temporary or link or unknown or busy", id="no class of errors"),
        pytest.param("tried = true", "profile[0].tried", 'tried = true, proof = "hardware" and a report go together', id="tried without a report"),
        pytest.param("[[profile.quirk]]\ndevice='M'\nsymptom='s'", "profile[0].quirk[0].firmware", "missing", id="quirk without firmware"),
        pytest.param("[[profile.quirk]]\nfirmware='1'\nsymptom='s'", "profile[0].quirk[0].device", "missing", id="quirk without device"),
        pytest.param("[[profile.quirk]]\ndevice='M'\nfirmware='1'", "profile[0].quirk[0].symptom", "missing", id="quirk without symptom"),
        pytest.param("[[profile.quirk]]\ndevice='M'\nfirmware=' '\nsymptom='s'", "profile[0].quirk[0].firmware", "must be a text that is not empty", id="empty firmware"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(site, text, path, message):
    """One mistake, one problem, with file and path."""
    assert problems(site, f'[[profile]]\nname = "x"\n{text}\n') == [(path, message)]


def test_all_mistakes_at_once(site, tmp_path):
    """Of all files; a file that is not TOML does not hide the others."""
    files = {"a": "[[profile]\n", "b": "[profile]\n", "c": '[[profile]]\ntitle = "no name"\n[[x]]\n', "d": '[[profile]]\nname = "auto"\n'}
    with pytest.raises(ConfigError) as caught:
        site(**files)
    found = {(p.file.rpartition("/")[2], p.path) for p in caught.value.problems}
    assert found == {("a.toml", ""), ("b.toml", "profile"), ("c.toml", "x"), ("c.toml", "profile[0].name"), ("d.toml", "profile[0].name")}


def test_two_files_with_one_name(site):
    """Which one holds would depend on their order."""
    with pytest.raises(ConfigError, match=r"b\.toml: profile\[0\]\.name: 'x' is used twice"):
        site(a='[[profile]]\nname = "x"\n', b='[[profile]]\nname = "x"\n')


def test_one_id_told_apart_by_interface(site):
    """Two families may share an id when their AT ports differ; the interface then tells."""
    row = '[[profile]]\nname = "{}"\nusb = ["aaaa:0001"]\nat = {{ interface = "{}" }}\n'
    rows = site(a=row.format("x", "02") + row.format("y", "04"))
    assert [profile_for("aaaa:0001", n, "", "", rows).name for n in ("02", "04")] == ["x", "y"]


def test_problems_of_what_links_name(tmp_path):
    """A name that no row has is told with the configuration and its link; a wrong row once, with its own file."""
    (first, second) = profile_problems([("m1", "auto"), ("m2", "quectell"), ("m3", "nobody")], "", "x.toml")
    assert [(p.file, p.path) for p in (first, second)] == [("x.toml", "link m2: profile"), ("x.toml", "link m3: profile")]
    (tmp_path / "a.toml").write_text('[[profile]]\nname = "mine"\nprob = 3\n')
    (wrong,) = profile_problems([("m1", "auto"), ("m2", "generic")], str(tmp_path), "x.toml")
    assert wrong.file == str(tmp_path / "a.toml")
    assert profile_problems([("m1", "auto"), ("m2", "quectel-ec25")], "", "x.toml") == []
