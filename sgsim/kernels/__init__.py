"""Compiled twins of the readable code: the same answers, tens of millions of times a second.

Law: a kernel knows numbers alone. It imports numba, numpy and the enums of `sgsim.model`; facts reach it as tables
that its caller builds. Read `jit` first, then the twin that a kernel's docstring names.
"""
