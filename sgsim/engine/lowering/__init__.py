"""Objects to arrays: the only place that knows both.

Facts stay facts: each table that the reference engine reads is copied cell by cell, and every rule keeps its number, so
that a decision of the kernels names the user's own rule.
"""
