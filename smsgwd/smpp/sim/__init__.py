"""A simulated SMSC that speaks SMPP 3.4: people and other programs test against it.

It is an independent program: it uses the PDU codec, but neither the session nor the connection of our own link, so that
a mistake of theirs cannot cancel itself out.

* ``texts``       what a submit_sm says, and the deliver_sm of texts and receipts (pure)
* ``faults``      what can go wrong on request (pure)
* ``accounts``    who may bind, how fast, and what waits for them (pure)
* ``centre``      the SMSC: takes texts, reports on them, brings deliveries to whoever is bound
* ``connection``  one TCP connection of an ESME
* ``control``     JSON lines on a unix socket
"""
