"""Nouns without opinions: what a packet, an interface, a decision and a state are.

Nothing here judges, remembers or reads. Read `five_tuple`, `packet` and `decision` first.
"""
