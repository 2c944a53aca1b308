"""What users import in their own tests, and the conformance vectors that any implementation can run.

Begin with `sgsim.testing.conformance`, which runs vectors; `vectors` says what one is.
"""
