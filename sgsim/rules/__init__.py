"""What security groups say: rules, whom they name, and which of them admit a packet.

Nothing here knows time or remembers a packet. Read `rule`, `inventory` and `match`.
"""
