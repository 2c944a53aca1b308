"""The kernel that all tests of a process ask, or the reason why there is none."""

from collections.abc import Iterator

import pytest
from conformance.kernel.namespace import UnavailableError
from conformance.kernel.oracle import Kernel


@pytest.fixture(scope="session")
def kernel() -> Iterator[Kernel]:
    """A kernel; skip where this machine or this user cannot have one."""
    try:
        made = Kernel()
    except UnavailableError as error:
        pytest.skip(f"the kernel cannot be asked here: {error}")
    with made:
        yield made
