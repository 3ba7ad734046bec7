"""A simulated GSM modem: people and other programs test against it.

It is an independent program and imports no driver: a mistake made twice would cancel itself out.

* ``phone``      the SIM, its storages and settings, and what the network brings (pure)
* ``dialogue``   bytes in, answers out: lines, prompt, echo (pure)
* ``equipment``  commands about modem, SIM and network; ``messages``: those about texts; ``refused``: how it says no (pure)
* ``text_mode``  PDUs as fields, and texts without PDU (pure)
* ``network``    texts cut in parts and status reports, as a network makes them (pure)
* ``families``   how modems differ; ``makers``: commands that only some have (pure)
* ``faults``     what can go wrong on request; ``catalogue``: the same by the names F1 to F29 (pure); ``mishaps``: those at once
* ``line``       the pty · ``second``: a second port · ``engine``: all of it together, with journal and clock · ``control``: the
  control socket
"""
