"""The summary page of a workflow's step, to which GitHub has a command append Markdown.

Source: GitHub's documentation of workflow commands: the file is named by `GITHUB_STEP_SUMMARY`.
"""

import os
from collections.abc import Callable
from pathlib import Path

from sgsim.errors import ConfigError

VARIABLE = "GITHUB_STEP_SUMMARY"


def add_to_step_summary(text: Callable[[], str]) -> None:
    """Append Markdown to the summary, where there is one.

    Raises:
        ConfigError: If the file cannot be written.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text())
    except OSError as error:
        raise ConfigError(f"{VARIABLE} must name a file that can be written, got {path!r}: {error.strerror}") from error
