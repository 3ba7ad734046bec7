"""A simulated GSM modem: people and other programs test against it.

It is an independent program and imports no driver: a mistake made twice would cancel itself out.

* ``phone``     the SIM, its storages and settings, and what the network brings (pure)
* ``dialogue``  bytes in, answers out: lines, prompt, echo (pure)
* ``answers``   the table of commands (pure)
* ``network``   texts cut in parts and status reports, as a network makes them (pure)
* ``faults``    what can go wrong on request (pure)
* ``server``    the pty, the control socket, the journal, the clock
"""
