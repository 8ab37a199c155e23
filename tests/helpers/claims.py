"""Holds every number that a page tells against the table that it comes from: what no table gave is left over."""

import re
from pathlib import Path

NUMBER = re.compile(r"[−+]?(?<![\w.])\d[\d.]*(?: \d{3}(?!\d))*(?<!\.)(?:e-?\d+)?")
CODE = re.compile(r"```.*?```|`[^`\n]*`|<!--.*?-->|!?\[([^\]]*)\]\([^)]*\)", flags=re.DOTALL)

WRITTEN = re.compile(r"<!-- ([^:>]*): written by.*?<!-- end of \1 -->", flags=re.DOTALL)


class Page:
    """A page's prose on one line, without code, comments, tables, what a tool wrote, and the targets of links.

    Args:
        text: the page as Markdown.
        named: patterns of numbers that are no results: names of models and equations, parameters, years.
    """

    def __init__(self, text: str, *named: str):
        lines = [line for line in WRITTEN.sub("", text).splitlines() if not line.startswith(("|", "#"))]
        self.text = " ".join(CODE.sub(lambda found: found[1] or "", "\n".join(lines)).split())
        self._proved = [found.span() for pattern in named for found in re.finditer(pattern, self.text)]

    @classmethod
    def of(cls, path: Path, *named: str) -> "Page":
        """The page in a file."""
        return cls(path.read_text(encoding="utf-8"), *named)

    def says(self, phrase: str, *numbers: object) -> None:
        """The page has the phrase with each {} or {:.2f} filled by the next number; those are proved so.

        Raises:
            AssertionError: it has not; shows what it says instead, where it says something alike.
        """
        parts = re.split(r"\{(:[^}]*)?\}", phrase)
        pieces, filled = parts[::2], [format(n, (s or ":")[1:]) for n, s in zip(numbers, parts[1::2], strict=True)]
        filled = [number.replace("-", "−") for number in filled]
        wanted = pieces[0] + "".join(number + piece for number, piece in zip(filled, pieces[1:], strict=True))
        alike = re.search(r"[−+\d. ]+?".join(map(re.escape, pieces)), self.text)
        assert wanted in self.text, f"{wanted!r}; found {alike[0] if alike else None!r}"
        for found in re.finditer(re.escape(wanted), self.text):
            place = found.start() + len(pieces[0])
            for number, piece in zip(filled, pieces[1:], strict=True):
                self._proved.append((place, place + len(number)))
                place += len(number) + len(piece)

    def unproved(self) -> list[str]:
        """Every number that nothing proved, with what stands around it."""
        return [
            f"{found[0]}: …{self.text[max(0, found.start() - 30) : found.end() + 20]}…"
            for found in NUMBER.finditer(self.text)
            if not any(low <= found.start() and found.end() <= high for low, high in self._proved)
        ]
