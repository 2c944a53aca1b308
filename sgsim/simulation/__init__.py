"""A run: traffic from a source through an engine, and what is kept of it.

`driver` runs it, `recorder` keeps what it decides, `summary` is what comes out. `check` is the run of one packet.
"""
