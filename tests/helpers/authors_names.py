"""Names that tensors had elsewhere."""

OLDER = {"matrices.": "_matrix", "biases.": "_bias", "factors.": "_factor"}


def older(state):
    """The names that CompressAI had before its parameter lists."""
    names = {}
    for name in state:
        for now, then in OLDER.items():
            name = name.replace(f"entropy_bottleneck.{now}", f"entropy_bottleneck.{then}")
        names[name] = len(names)
    assert "entropy_bottleneck._matrix4" in names
    return dict(zip(names, state.values(), strict=True))
