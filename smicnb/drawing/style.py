"""The style sheet of all figures, and their two widths."""

from importlib import resources
from pathlib import Path

COLUMN, PAGE = 3.5, 7.16  # inches: one and two columns of an IEEE paper; no figure has another width


def use_style() -> None:
    """Apply the project's style sheet to matplotlib."""
    import matplotlib.pyplot as plt

    plt.rcdefaults()  # a user's own settings are no part of the result
    plt.style.use(str(Path(str(resources.files("smicnb.drawing"))) / "smicnb.mplstyle"))
