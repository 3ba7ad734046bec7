"""The codec: 3GPP TS 23.038 (alphabets, data coding) and TS 23.040 (TPDUs). Pure: no I/O, no time, no randomness."""
