"""What is open, what differs, what is due: reports over the ledger and the archive. They only read.

`trades` gathers what belongs to an order; the other modules compute on that, without any I/O, and return plain
dicts that the command line's tables, `--json`, `--csv` and the console share.
"""
