"""Numbers of few bytes where they are small: LEB128, 7 bits a byte, the lowest first."""

from smicnb.base.errors import IntegrityError

LONGEST = 5  # bytes: what is longer is no number of ours


def pack(number: int) -> bytes:
    """A number of 0 or more; the top bit of a byte says that more follow."""
    parts = []
    while number >= 128:
        parts.append(number % 128 + 128)
        number //= 128
    return bytes([*parts, number])


def read(data: bytes, position: int) -> tuple[int, int]:
    """The number that begins at a position, and where it ends.

    Raises:
        IntegrityError: it does not end within the data, or within five bytes.
    """
    number = 0
    for shift in range(0, 7 * LONGEST, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        number += (byte % 128) << shift
        if byte < 128:
            return number, position
    raise IntegrityError("found a file that is damaged or cut short", "a number that ends")
