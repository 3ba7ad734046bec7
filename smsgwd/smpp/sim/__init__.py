"""A simulated SMSC that speaks SMPP 3.4: people and other programs test against it.

It is an independent program: it uses the PDU codec, but neither the session nor the connection of our own link, so that
a mistake of theirs cannot cancel itself out.

* ``texts``, ``receipts``, ``ids``   what a submit_sm says, the deliver_sm of texts and receipts, message_id (pure)
* ``faults``      what can go wrong on request, also as F30 to F40 (pure)
* ``settings``    how it behaves (pure)
* ``accounts``    who may bind, how fast, and what waits for them (pure)
* ``messages``    the texts that were taken; query_sm, cancel_sm, replace_sm (pure)
* ``centre``      the SMSC: takes texts, reports on them, brings deliveries to whoever is bound; ``due`` its timer
* ``stream``, ``connection``, ``answers``   one TCP connection of an ESME; ``outbind`` one that we open
* ``serve``, ``control``   its port, and JSON lines on a unix socket
"""
