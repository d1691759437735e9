"""What is wrong with a content file, said so that somebody who does not program can put it right."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing to put right. file: its path; where: the place in it; what: what is wrong; what_to_do: the cure."""

    file: str
    where: str
    what: str
    what_to_do: str

    def __str__(self) -> str:
        """The problem as a sentence for people."""
        where = f", {self.where}" if self.where else ""
        return f"{self.file}{where}: {self.what} {self.what_to_do}"


class ContentError(Exception):
    """The content cannot be used. problems: everything that was found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
