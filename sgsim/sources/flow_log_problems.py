"""What could not be read of flow logs: counted, and the first of it listed with file and line."""

from typing import Final

from attrs import define, field, frozen

MOST_LISTED: Final = 20


@frozen
class FlowLogProblem:
    """One line that could not be read."""

    file: str
    line: int
    text: str
    """What must be there, and what is."""


@define
class FlowLogProblems:
    """Malformed lines."""

    count: int = 0
    listed: list[FlowLogProblem] = field(factory=list)
    """The first `MOST_LISTED` of them."""
    passed_over: list[str] = field(factory=list)
    """Files of a folder that are neither flow logs nor captures."""

    def note(self, file: str, line: int, text: str) -> None:
        """Count a line, and list it if it is among the first."""
        self.count += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(FlowLogProblem(file, line, text))
