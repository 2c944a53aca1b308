"""Files that are given more than once: each of their packets or records is judged as often, and counts as often.

A file is known by its place on the disk, so a link to it, another way to write its path, and a folder that holds it are
the same file. A capture that is bound to several interfaces is right as it is: at each of them it is judged once.
"""

import os
from collections.abc import Iterator, Sequence

from sgsim.sources.base import NOT_BOUND, Source, has_records
from sgsim.sources.merge import MergedSource


def files_given_twice(source: Source, taken_at: Sequence[int]) -> list[tuple[int, ...]]:
    """The files that are given more than once, in the order in which they are given.

    Args:
        source: What is read.
        taken_at: For each of its files the interface that it is bound to, as `Source.batches` takes it.

    Returns:
        For each such file its places in `source.files`.
    """
    found: dict[tuple[int, int], list[int]] = {}
    for number, path in enumerate(_paths(source)):
        if path is not None:
            state = os.stat(path)  # noqa: PTH116  # as in `os.path.samefile`, which knows files by these two numbers
            found.setdefault((state.st_dev, state.st_ino), []).append(number)
    return [tuple(numbers) for numbers in found.values() if not _is_each_elsewhere(numbers, taken_at)]


def notes_on_files_given_twice(source: Source, given_twice: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """What a reader of the summary should know of `files_given_twice`: one note for all of them."""
    if not given_twice:
        return
    what = "records" if has_records(source) else "packets"
    first, *others = given_twice
    names = list(dict.fromkeys(source.files[number] for number in first))
    if others:
        more = f"{len(others)} other file{'s' * (len(others) > 1)}"
        yield f"{names[0]} and {more} are given more than once; their {what} count as often"
        return
    times = "twice" if len(first) == 2 else f"{len(first)} times"
    given = f"{names[0]} is given" if len(names) == 1 else f"{' and '.join(names)} are the same file, given"
    yield f"{given} {times}; its {what} count {times}"


def _paths(source: Source) -> Iterator[str | os.PathLike[str] | None]:
    """For each file of a source its path; None if it has none, or is no file that gives its bytes twice, as a pipe."""
    if isinstance(source, MergedSource):
        for part in source.sources:
            yield from _paths(part)
        return
    inputs = source.inputs if has_records(source) else [source] * len(source.files)
    for each in inputs:
        file = getattr(each, "file", None)  # what is made, or given as packets, has none
        yield file if isinstance(file, str | os.PathLike) and os.path.isfile(file) else None  # noqa: PTH113  # any path


def _is_each_elsewhere(numbers: Sequence[int], taken_at: Sequence[int]) -> bool:
    bound_to = [taken_at[number] if taken_at else NOT_BOUND for number in numbers]
    return len(bound_to) == 1 or (NOT_BOUND not in bound_to and len(set(bound_to)) == len(bound_to))
