"""One filter: the way of a packet through rules and table.

`steps` is the way at one interface, `reference` the engine that a student can read, `firewall` the same step by step.
"""
