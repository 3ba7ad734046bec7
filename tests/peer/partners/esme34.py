"""smpp34 as a client: python esme34.py '{"port":…,"password":…,"texts":[{"octets":HEX,"coding":N,"receipt":N,"tlvs":[[TAG,HEX],…]},…],
"events":N}'. Sends the texts in its window of 10, waits for so many deliveries, prints what it saw as JSON.

It ends by os._exit: the package's own threads may crash the interpreter while that takes itself apart.
"""

import asyncio
import json
import os
import sys

import smpp34


async def main(wish: dict) -> dict:
    client = smpp34.Client(
        host="127.0.0.1", port=wish["port"], system_id="u", password=wish["password"], bind_type="TRX", window_size=10,
        connect_timeout_ms=2000,
    )  # fmt: skip
    try:
        session = await client.connect()
    except smpp34.SmppError as e:
        return {"error": str(e)}
    answers = await asyncio.gather(*(
        session.submit_sm(
            source_addr="15550100100", source_addr_ton=1, source_addr_npi=1, destination_addr="15550100777", dest_addr_ton=1,
            dest_addr_npi=1, short_message=bytes.fromhex(text["octets"]), data_coding=text["coding"],
            registered_delivery=text["receipt"], tlvs=[smpp34.Tlv(tag, bytes.fromhex(value)) for tag, value in text["tlvs"]],
        ) for text in wish["texts"]
    ))  # fmt: skip
    async with asyncio.timeout(10):
        events = [await session.next() for _ in range(wish["events"])]
    await session.unbind()
    return {
        "answers": [[answer.message_id, answer.command_status] for answer in answers],
        "events": [{
            "from": event.source_addr, "to": event.destination_addr, "octets": event.short_message.hex(),
            "esm_class": event.esm_class, "tlvs": {tlv.tag: tlv.value.hex() for tlv in event.tlvs},
        } for event in events],
    }  # fmt: skip


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))), flush=True)
os._exit(0)
