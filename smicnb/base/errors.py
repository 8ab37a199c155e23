"""Errors that a user can act on: what was found, what was needed, what to do."""

import re

LONGEST = 400  # characters that are shown of what another library says
# What moves a terminal's cursor or changes its colours, and what else of a text no terminal should be sent.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """A text on one line, without terminal codes; other control characters are spelt out."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", " ".join(_TERMINAL.sub("", text).split()))


def reason(error: BaseException, longest: int = LONGEST) -> str:
    """What another library's error says, on one line, without its middle where it is too long; its class alone if that.

    Its first line may only announce what the others say, so none is left out for being another line.
    """
    return shorten(str(error), longest) or type(error).__name__


def shorten(text: str, longest: int = LONGEST) -> str:
    """A text on one line, without its middle where it is too long: how it ends often says what to do."""
    text, half = one_line(text), longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-(half - 1) :]}"


def format_value(value: object) -> str:
    """What a value is written as in Python; a number of numpy's as Python's own."""
    return repr(value.item() if getattr(value, "shape", None) == () else value)


class SmicnbError(Exception):
    """A user's mistake or a missing piece, told on one line.

    Args:
        found: what was met ("'lamda' is not a parameter of 03_reconstruction").
        needed: what would have been right, or "" where `found` says it.
        do: what the user can do about it ("did you mean 'lam'?"), or "".
    """

    exit_status = 2

    def __init__(self, found: str, needed: str = "", do: str = ""):
        self.found, self.needed, self.do = found, needed, do
        parts = [found, f"needed: {needed}" if needed else "", do]
        super().__init__("; ".join(one_line(part) for part in parts if part))

    def __reduce__(self):
        # Exceptions cross process borders by their constructor's arguments, which here are three.
        return type(self), (self.found, self.needed, self.do)


class UnknownNameError(SmicnbError, KeyError):
    """A name that no registry, recipe or notebook knows."""

    __str__ = Exception.__str__  # KeyError would print the quoted representation


class MissingWeightsError(SmicnbError):
    """A pre-trained part that is not on this machine."""


class IntegrityError(SmicnbError):
    """Bytes whose length or checksum is not the one that was promised."""


class ImageError(SmicnbError):
    """An image that cannot be used, or a collection without any."""


class DimensionError(SmicnbError, ValueError):
    """Arrays or models whose dimensions do not belong together."""


class StoppedError(SmicnbError):
    """The user stopped the work; exit status 130, as shells have it."""

    exit_status = 130


class RunError(SmicnbError):
    """Work that did not finish, a notebook for example; exit status 1, since no input of the user was wrong."""

    exit_status = 1
