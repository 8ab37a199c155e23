"""A reader of the learned codecs' streams written from docs/learned.md alone, in Python's whole numbers."""


def symbols_of(stream: bytes, tables: list[tuple[list[int], int]]) -> list[int]:
    """The symbols of a stream, each under its table (F₀ … F_m, offset); it has to end as the page says."""
    words = [int.from_bytes(stream[place : place + 4], "little") for place in range(0, len(stream), 4)]
    state, words = words[0] + 2**32 * words[1], words[2:]

    def filled(state: int) -> int:
        return 2**32 * state + words.pop(0) if state < 2**31 else state

    symbols = []
    for edges, offset in tables:
        count = state % 2**16
        entry = next(e for e in range(len(edges) - 1) if edges[e] <= count < edges[e + 1])
        state = filled((edges[entry + 1] - edges[entry]) * (state // 2**16) + count - edges[entry])
        symbol, escape = offset + entry, len(edges) - 2
        if entry == escape:
            nibbles = [state % 16]
            state = filled(state // 16)
            while len(nibbles) <= nibbles[0]:
                nibbles.append(state % 16)
                state = filled(state // 16)
            beyond = sum(nibble * 16**place for place, nibble in enumerate(nibbles[1:]))
            symbol = offset - (beyond + 1) // 2 if beyond % 2 else offset + escape + beyond // 2
        symbols.append(symbol)
    assert state == 2**31
    assert not words
    return symbols
