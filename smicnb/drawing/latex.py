"""Tables as LaTeX, for a paper that loads booktabs.

Every sign of the project's tables becomes one that pdfLaTeX sets without a package; one that is not known stays.
"""

import re
import unicodedata
from collections.abc import Sequence

MATHS = {
    "∞": r"\infty", "×": r"\times", "·": r"\cdot", "−": "-", "±": r"\pm", "√": r"\surd", "∑": r"\sum", "∂": r"\partial",
    "≤": r"\le", "≥": r"\ge", "≪": r"\ll", "≫": r"\gg", "≈": r"\approx", "≠": r"\ne", "∈": r"\in", "‖": r"\|",
    "↑": r"\uparrow", "↓": r"\downarrow", "→": r"\rightarrow", "←": r"\leftarrow", "°": r"^\circ", "½": r"\frac12",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "µ": r"\mu", "ᵀ": r"^T", "ẑ": r"\hat z",
    "x̂": r"\hat x", "X̂": r"\hat X", "x̃": r"\tilde x",
    "¬": r"\neg",
}  # fmt: skip
WORDS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "–": "--", "—": "---", "“": "``", "”": "''",
    "‘": "`", "’": "'", "…": r"\ldots{}", "\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,",
}  # fmt: skip
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
CAPITALS = "gamma delta theta lambda xi pi sigma phi psi omega"  # the others are Latin letters
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?:e([+-]\d+))?|(-?)inf")
MANY = 5  # columns from which on a table takes both columns of a page


def _signs() -> dict[str, str]:
    """Sign -> what LaTeX takes for it."""
    maths = dict(MATHS)
    for case, words in (("SMALL", GREEK), ("CAPITAL", CAPITALS)):
        for word in words.split():
            sign = unicodedata.lookup(f"GREEK {case} LETTER {'LAMDA' if word == 'lambda' else word.upper()}")
            maths[sign] = "\\" + (word if case == "SMALL" else word.capitalize())
    for digit in range(10):
        name = f"{unicodedata.name(str(digit))[len('DIGIT ') :]}"
        maths[unicodedata.lookup(f"SUPERSCRIPT {name}")] = f"^{digit}"
        maths[unicodedata.lookup(f"SUBSCRIPT {name}")] = f"_{digit}"
    escaped = {sign: f"\\{sign}" for sign in "&%$#_{}"}
    return WORDS | escaped | {sign: f"\\ensuremath{{{name}}}" for sign, name in maths.items()}


SIGNS = _signs()
SIGN = re.compile("|".join(sorted(map(re.escape, SIGNS), key=len, reverse=True)))


def escape(text: str) -> str:
    """`text` on one line as LaTeX sets it; letters with accents stay, since LaTeX reads UTF-8."""
    return SIGN.sub(lambda match: SIGNS[match.group()], " ".join(text.split()))


def cell(text: str) -> str:
    """One cell: a number in maths, all else escaped."""
    number = NUMBER.fullmatch(text)
    if not number:
        return escape(text)
    mantissa, exponent, sign = number.groups()
    if sign is not None:
        return f"${sign}\\infty$"
    power = f"\\times 10^{{{int(exponent)}}}" if exponent else ""
    return f"${mantissa}{power}$"


def table(name: str, header: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A floating table labelled "tab:NAME": columns of numbers go right, others left; "–" is an empty cell."""
    columns = [[row[place] for row in rows] for place in range(len(header))]
    numeric = [all(NUMBER.fullmatch(text) or text == "–" for text in column) for column in columns]
    environment = "table*" if len(header) > MANY else "table"
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{{environment}}}",
        "\\centering\\footnotesize",
        f"\\caption{{{escape(caption)}}}",
        f"\\label{{tab:{name}}}",
        f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}",
        "\\toprule",
        " & ".join(map(escape, header)) + r" \\",
        "\\midrule",
        *(" & ".join(map(cell, row)) + r" \\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
        f"\\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"
