"""Commands as they are written, and answers as modems write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.modem import commands as c
from smsgwd.modem.commands import Slot, Usage


@pytest.mark.parametrize(
    ("command", "text"),
    [
        pytest.param(c.send(23), "AT+CMGS=23", id="send"),
        pytest.param(c.read(3), "AT+CMGR=3", id="read"),
        pytest.param(c.delete(3), "AT+CMGD=3", id="delete"),
        pytest.param(c.select_memories("SM", "SM", "SM"), 'AT+CPMS="SM","SM","SM"', id="memories"),
        pytest.param(c.notify((2, 1, 0, 1, 0)), "AT+CNMI=2,1,0,1,0", id="notify"),
        pytest.param(c.set_service_centre("+436640501"), 'AT+CSCA="+436640501",145', id="SMSC"),
        pytest.param(c.set_service_centre("06640501"), 'AT+CSCA="06640501",129', id="SMSC, national"),
        pytest.param(c.enter_pin("1234"), 'AT+CPIN="1234"', id="PIN"),
    ],
)
def test_written(command, text):
    """Each command is one line."""
    assert command.text == text
    assert "1234" not in str(command)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda t: c.enter_pin(t), id="PIN"),
        pytest.param(lambda t: c.set_service_centre(t), id="SMSC"),
        pytest.param(lambda t: c.select_memories(t), id="memory"),
        pytest.param(lambda t: c.init_line(t), id="init"),
    ],
)
@given(st.text(max_size=12).map(lambda t: f"{t}\rAT+CMGD=1,4"))
def test_nothing_else_can_be_written(make, text):
    """No parameter carries a second command."""
    with pytest.raises(ValueError, match="not written"):
        make(text)


@pytest.mark.parametrize(
    ("read", "line", "value"),
    [
        pytest.param(c.registration, "+CREG: 2,1", ("CREG", 1), id="answer"),
        pytest.param(c.registration, '+CREG: 2,1,"00C3","0000A1B2",7', ("CREG", 1), id="answer with cell"),
        pytest.param(c.registration, "+CEREG: 5", ("CEREG", 5), id="code"),
        pytest.param(c.registration, '+CREG: 1,"00C3","A1B2"', ("CREG", 1), id="code with cell"),
        pytest.param(c.registration, "+:", None, id="nothing"),
        pytest.param(c.notification, '+CMTI: "SM",3', ("SM", 3), id="+CMTI"),
        pytest.param(c.notification, '+CDSI: "SR",7', ("SR", 7), id="+CDSI"),
        pytest.param(c.notification, "+CMTI: ,-1", None, id="no index"),
        pytest.param(c.notification, "+CMTI:", None, id="empty"),
        pytest.param(c.stored, "+CMGR: 0,,24", Slot(None, 0, 24), id="+CMGR"),
        pytest.param(c.stored, "+CMGR: ,,24", Slot(None, None, 24), id="+CMGR without stat"),
        pytest.param(c.stored, "+CMGR: 4,1,,151", Slot(None, 1, 151), id="+CMGR with index"),
        pytest.param(c.stored, '+CMGR: 1,"Anna, Bob",24', Slot(None, 1, 24), id="+CMGR with a name"),
        pytest.param(c.listed, "+CMGL: 3,1,,24", Slot(3, 1, 24), id="+CMGL"),
        pytest.param(c.listed, '+CMGL: 3,1,"",24', Slot(3, 1, 24), id="+CMGL with a name"),
        pytest.param(c.listed, "+CMGL: x", None, id="+CMGL, broken"),
        pytest.param(c.usage, '+CPMS: "SM",3,20,"SM",3,20,"SM",3,20', Usage(3, 20), id="CPMS?"),
        pytest.param(c.usage, "+CPMS: 3,20,3,20,3,20", Usage(3, 20), id="CPMS="),
        pytest.param(c.usage, "+CPMS: ", None, id="CPMS, empty"),
        pytest.param(c.reference, "+CMGS: 5", "5", id="+CMGS"),
        pytest.param(c.reference, '+CMGS: 5,"26/11/23,16:00:00+04"', "5", id="+CMGS with more"),
        pytest.param(c.reference, "+CMGS:", "", id="+CMGS without"),
        pytest.param(c.pin_state, "+CPIN: SIM PIN", "SIM PIN", id="+CPIN"),
        pytest.param(c.pin_tries, ["+CPINR: SIM PUK,10,10", "+CPINR: SIM PIN,2,3"], 2, id="+CPINR"),
        pytest.param(c.signal_dbm, "+CSQ: 20,99", -73, id="+CSQ"),
        pytest.param(c.signal_dbm, "+CSQ: 99,99", None, id="+CSQ unknown"),
        pytest.param(c.operator, '+COPS: 0,0,"Net, Ltd",7', ("Net, Ltd", "LTE"), id="+COPS"),
        pytest.param(c.setting, "+CNMI: 2,1,0,1,0", (2, 1, 0, 1, 0), id="+CNMI"),
        pytest.param(c.direct_length, "+CDS: 25", 25, id="+CDS"),
        pytest.param(c.direct_length, '+CMT: "Anna",24', 24, id="+CMT"),
    ],
)
def test_read(read, line, value):
    """Answers as different modems write them."""
    assert read(line) == value


@given(st.text(max_size=60), st.sampled_from([c.registration, c.notification, c.stored, c.listed, c.usage, c.reference,
                                               c.pin_state, c.signal_dbm, c.operator, c.setting, c.direct_length]))  # fmt: skip
def test_any_line_is_read(text, read):
    """Noise behind a prefix is never an error."""
    read(f"+X: {text}")
