"""ICC profiles made by hand (ICC.1:2001-04), and what their colours are in sRGB by the formulas."""

import struct

import numpy as np

D50 = np.array([0.9642, 1, 0.8249])
D65 = 0.3127, 0.3290
SRGB = (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)  # x and y of red, green and blue
SWAPPED = SRGB[1], SRGB[0], SRGB[2]
P3 = (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)
ADOBE = (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)
PROPHOTO = (0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)
PROPHOTO_WHITE = 0.3457, 0.3585
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])  # Bradford's


def rgb(primaries, white=D65, gamma=None):
    """A profile of three primaries; its curve is sRGB's where no gamma is given."""
    columns = zip("rgb", _matrix(primaries, white).T, strict=True)
    tags = {f"{name}XYZ": _numbers(b"XYZ ", column) for name, column in columns}
    return profile(b"RGB ", b"XYZ ", **tags, **{f"{name}TRC": _curve(gamma) for name in "rgb"})


def grey(gamma=None):
    """A profile of one channel."""
    return profile(b"GRAY", b"XYZ ", kTRC=_curve(gamma))


def inks(lightness):
    """A profile of CMYK whose colours are grey: of this L* (0 to 255) for each of the 16 corners of the inks."""
    corners = b"".join(bytes([value, 128, 128]) for value in lightness)
    matrix = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    straight = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + straight * 4 + corners + straight * 3
    return profile(b"CMYK", b"Lab ", kind=b"prtr", A2B0=table)


def profile(space, connection, kind=b"mntr", **tags):
    """A profile of any tags."""
    text = b"text" + bytes(4) + b"free\0"
    tags = {"cprt": text, "desc": _described(), "wtpt": _numbers(b"XYZ ", D50), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name.encode() + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size, date = 128 + len(table) + len(body), (2000, 1, 1, 0, 0, 0)
    head = struct.pack(">I4xI4s4s4s6H4s28x", size, 0x02400000, kind, space, connection, *date, b"acsp")
    return head + _fixed(D50) + bytes(48) + table + body


def converted(pixels, primaries, white=D65, gamma=None):
    """Values 0 to 255 in such a profile as values in sRGB, cut off at its gamut and not rounded."""
    stored = np.asarray(pixels) / 255
    light = stored**gamma if gamma else np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    light = light @ np.linalg.solve(_matrix(SRGB, D65), _matrix(primaries, white)).T
    return 255 * encoded(np.clip(light, 0, 1))


def encoded(light):
    """sRGB's curve: of light from 0 to 1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


def _matrix(primaries, white):
    """Linear RGB to XYZ of D50, (3, 3)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = white
    seen = np.array([x / y, 1, (1 - x - y) / y])
    adapted = np.linalg.inv(_CONES) @ np.diag((_CONES @ D50) / (_CONES @ seen)) @ _CONES
    return adapted @ (columns * np.linalg.solve(columns, seen))


def _curve(gamma):
    if gamma:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma))
    stored = np.arange(1024) / 1023
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    return b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *np.round(65535 * light).astype(int))


def _described():
    return b"desc" + bytes(4) + struct.pack(">I", 5) + b"hand\0" + bytes(78)


def _numbers(kind, values):
    return kind + bytes(4) + _fixed(values)


def _fixed(values):
    return struct.pack(f">{len(values)}i", *np.round(65536 * np.asarray(values)).astype(int))
