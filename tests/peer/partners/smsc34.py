"""smpp34 as an SMSC: python smsc34.py. Prints `ready HOST:PORT`, then one JSON object a text; a receipt for each that asks for
one; a text of ours whose words begin with `call me` is answered by a text."""

import asyncio
import json
import socket
import sys

import smpp34


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main() -> None:
    port = free_port()
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="smpp34")
    await server.start()
    say(f"ready 127.0.0.1:{port}")
    sessions, tasks, number = {}, set(), 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
        elif isinstance(event, smpp34.SubmitSmEvent):
            number += 1
            event.accept(message_id=f"{number:x}")
            esme = sessions[event.session_id]
            say(json.dumps({"octets": event.short_message.hex(), "coding": event.data_coding, "udhi": event.esm_class & 0x40,
                            "to": event.destination_addr, "from": event.source_addr}))  # fmt: skip
            texts = []
            if event.registered_delivery & 3:
                texts.append((f"id:{number:x} sub:001 dlvrd:001 submit date:2611231600 done date:2611231600 stat:DELIVRD err:000 text:", 4))
            if event.short_message.startswith(b"call me"):
                texts.append(("we call you", 0))
            for text, kind in texts:
                task = asyncio.ensure_future(esme.deliver_sm(
                    source_addr=event.destination_addr, source_addr_ton=1, source_addr_npi=1, dest_addr_ton=1, dest_addr_npi=1,
                    destination_addr=event.source_addr, short_message=text.encode(), esm_class=kind))  # fmt: skip
                tasks.add(task)
                task.add_done_callback(tasks.discard)


asyncio.run(main())
