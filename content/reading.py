"""Reading content files: what cannot be read becomes a problem in plain words, and the rest is still read."""

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import frontmatter
import yaml
from pydantic import BaseModel, ValidationError

from content.problems import Problem

_ANSWER_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_FORM_HEADING = re.compile(r"^### +(.+?) *$", re.MULTILINE)
_LINE_BREAK_IN_PARAGRAPH = re.compile(r"(?<!\n)\n(?![\n-])")

_IN_PLAIN_WORDS = {
    "missing": ("This is missing.", "Add it."),
    "extra_forbidden": ("I do not know this word.", "Check its spelling, or take it out."),
    "string_type": ("This must be text, and I read it as {input}.", "Put it between quotation marks."),
    "string_too_short": ("This is empty.", "Fill it in, or take it out."),
    "too_short": ("This list is empty.", "Add at least one."),
    "date_from_datetime_parsing": ("This is not a date.", "Write it as 2026-11-22."),
    "date_type": ("This is not a date.", "Write it as 2026-11-22."),
}


class Reader:
    """Reads the files of a content folder and gathers what is wrong with them."""

    def __init__(self, root: Path) -> None:
        """root: the content folder."""
        self._root = root
        self.problems: list[Problem] = []

    def name_of(self, file: str) -> str:
        """A file's path as people know it: "content/phones.yml"."""
        return f"{self._root.name}/{file}"

    def add(self, file: str, where: str, what: str, what_to_do: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(self.name_of(file), where, what, what_to_do))

    def files(self, folder: str, pattern: str) -> list[Path]:
        """The files of a folder in the order of their names."""
        return sorted((self._root / folder).glob(pattern))

    def yaml[M: BaseModel](self, file: str, model: type[M]) -> M | None:
        """A YAML file in the shape of a model, or None when it has problems."""
        return self._read(file, lambda text: self._validated(file, yaml.safe_load(text), model))

    def csv[M: BaseModel](self, file: str, model: type[M]) -> list[M]:
        """The good lines of a CSV file with a heading line."""
        rows = self._read(file, lambda text: list(csv.DictReader(text.splitlines()))) or []
        lines = (self._validated(file, row, model, f"line {number}") for number, row in enumerate(rows, start=2))
        return [line for line in lines if line is not None]

    def front_matter[M: BaseModel](self, file: str, model: type[M]) -> tuple[M, str] | None:
        """The head of a Markdown file in the shape of a model, and its body; None when the head has problems."""
        post = self._read(file, frontmatter.loads)
        if post is None:
            return None
        entry = self._validated(file, post.metadata, model)
        return None if entry is None else (entry, post.content)

    def sections(self, file: str, body: str, expected: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The short and long form of each answer of a guide file's body, by answer id."""
        found: dict[str, tuple[str, str]] = {}
        expected = list(expected)
        for answer_id, text in _split(_ANSWER_HEADING, body):
            if answer_id not in expected:
                self.add(
                    file,
                    f"## {answer_id}",
                    "The head of the file has no such answer.",
                    "Spell the heading as it is spelt under 'answers:', or add it there.",
                )
            elif answer_id in found:
                self.add(file, f"## {answer_id}", "This answer is there twice.", "Take one out.")
            else:
                forms = dict(_split(_FORM_HEADING, text))
                for form in ("Short", "Long"):
                    if not forms.get(form):
                        self.add(
                            file,
                            f"## {answer_id}",
                            f"There is no {form.lower()} form.",
                            f"Add a line '### {form}' and the text under it.",
                        )
                for form in sorted(set(forms) - {"Short", "Long"}):
                    self.add(
                        file,
                        f"## {answer_id}",
                        f"'### {form}' is not a form that I know.",
                        "Use '### Short' and '### Long'.",
                    )
                found[answer_id] = (forms.get("Short", ""), forms.get("Long", ""))
        for answer_id in expected:
            if answer_id not in found:
                self.add(
                    file,
                    answer_id,
                    "This answer has no text.",
                    f"Add '## {answer_id}' with '### Short' and '### Long' below the head of the file.",
                )
        return found

    def _read[T](self, file: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse((self._root / file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.add(file, "", "This file is missing.", "Put it back.")
        except UnicodeDecodeError:
            self.add(file, "", "This file is not plain text.", "Save it as UTF-8.")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.add(
                file,
                f"line {mark.line + 1}" if mark else "",
                "This is not written as YAML.",
                "Check the line and the one before it: the spaces in front, the colon, and the quotation marks"
                " (a text with a colon in it needs them).",
            )
        return None

    def _validated[M: BaseModel](self, file: str, data: Any, model: type[M], where: str = "") -> M | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for one in error.errors():
                what, what_to_do = _IN_PLAIN_WORDS.get(
                    one["type"], (f"This is not right: {one['msg']}.", "Compare it with an entry that works.")
                )
                path = ", ".join([*([where] if where else []), *(str(part) for part in one["loc"])])
                self.add(file, path, what.replace("{input}", str(one["input"])), what_to_do)
        return None


def _split(heading: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    matches = list(heading.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    return [(match.group(1), _unwrapped(text[match.end() : end])) for match, end in zip(matches, ends, strict=True)]


def _unwrapped(text: str) -> str:
    """The text with the line breaks inside its paragraphs taken out, save before the lines of a list."""
    return _LINE_BREAK_IN_PARAGRAPH.sub(" ", text.strip())
