"""Errors that a user can act on: what was found, what was needed, what to do."""


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
        super().__init__("; ".join(" ".join(part.split()) for part in parts if part))

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
    """A notebook that did not finish; exit status 1, since no input of the user was wrong."""

    exit_status = 1
