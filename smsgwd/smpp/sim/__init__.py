"""A simulated SMSC that speaks SMPP 3.4: people and other programs test against it.

It is an independent program: it uses the PDU codec, but no session of ours.

* ``texts``    what a submit_sm says, and the deliver_sm of texts and receipts (pure)
* ``centre``   one SMSC: accounts, connections, faults, control socket, journal
"""
