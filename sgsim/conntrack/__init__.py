"""What the network remembers: flows, their states and timeouts, and the table that holds them.

Nothing here reads rules or packets' payloads. Read `profile`, `tcp`, `entry` and `table`.
"""
