"""Tables as LaTeX: escaped by hand-made examples, and set by pdfLaTeX where that is here."""

import re
import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.drawing import latex
from smicnb.repro import figures

DOCUMENT = "\\documentclass[twocolumn]{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("a & b_1 # 5 % $ {x}", r"a \& b\_1 \# 5 \% \$ \{x\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("λ ≫ n*", r"\ensuremath{\lambda} \ensuremath{\gg} n*"),
        ("x² + z₁₂ = ∞", r"x\ensuremath{^2} + z\ensuremath{_1}\ensuremath{_2} = \ensuremath{\infty}"),
        ("1–2 “so” <b> | c", r"1--2 ``so'' \textless{}b\textgreater{} \textbar{} c"),
        ("ẑ, x̂ and Ψ", r"\ensuremath{\hat z}, \ensuremath{\hat x} and \ensuremath{\Psi}"),
        ("two\nlines", "two lines"),
        ("Müller, café", "Müller, café"),
    ],
)
def test_signs_are_escaped(text, tex):
    assert latex.escape(text) == tex


@given(st.text(st.sampled_from([*'&%$#_{}~^\\<>|"', *"λΨ²₁∞–×ẑ", *"ab1 -."])))
def test_no_special_sign_is_left_over(text):
    known = sorted(map(re.escape, latex.SIGNS.values()), key=len, reverse=True)
    assert not set(re.sub("|".join(known), "", latex.escape(text))) & set('&%$#_{}~^\\<>|"')
    assert not re.search(r"[^\x00-\x7f]", latex.escape(text))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("-0.25", "$-0.25$"),
        ("1.2e-05", r"$1.2\times 10^{-5}$"),
        ("inf", r"$\infty$"),
        ("-inf", r"$-\infty$"),
        ("12", "$12$"),
        ("–", "--"),
        ("0.4 [0.3, 0.5]", "0.4 [0.3, 0.5]"),
        ("1_2", r"1\_2"),
    ],
)
def test_numbers_are_set_as_maths(text, tex):
    assert latex.cell(text) == tex


def test_a_table_has_rules_and_columns_by_what_they_hold():
    text = latex.table("t_1", ["n_a", "who", "P"], [["2", "a&b", "–"], ["4", "c", "-1e-09"]], "50 % of λ.")
    assert text.splitlines() == [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering\\footnotesize",
        "\\caption{50 \\% of \\ensuremath{\\lambda}.}",
        "\\label{tab:t_1}",
        "\\begin{tabular}{rlr}",
        "\\toprule",
        "n\\_a & who & P \\\\",
        "\\midrule",
        "$2$ & a\\&b & -- \\\\",
        "$4$ & c & $-1\\times 10^{-9}$ \\\\",
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]


def test_a_wide_table_takes_the_page():
    text = latex.table("t", list("abcdef"), [list("123456")], "")
    assert text.count("{table*}") == 2


def made(repository, folder) -> list[str]:
    """Every committed table as LaTeX, and one with every sign that is known."""
    tables = sorted(path for path in (repository / "figures").rglob("*.csv") if path.with_suffix(".md").is_file())
    assert len(tables) > 20
    for number, table in enumerate(tables):
        caption = table.with_suffix(".md").read_text().partition("\n")[0]
        figures.write_latex(folder / f"{number}.tex", table, caption)
    signs = pd.DataFrame({"a_b": list(latex.SIGNS), "%": [f"x{sign}y" for sign in latex.SIGNS], "10": 1e-9})
    figures.write_table(folder / "signs.csv", signs, "".join(latex.SIGNS), {})
    return [path.read_text() for path in sorted(folder.glob("*.tex"))]


def test_committed_tables_hold_no_sign_that_latex_lacks(repository, tmp_path):
    for text in made(repository, tmp_path):
        assert set(re.findall(r"[^\x00-\u00ff]", text)) == set()
        body = re.search(r"\\midrule\n(.*)\\bottomrule", text, flags=re.DOTALL).group(1)
        columns = len(re.search(r"\\begin{tabular}{([lr]+)}", text).group(1))
        for line in body.splitlines():
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1
            assert not re.search(r"(?<!\\)[#%]|(?<![\\^_])_(?![0-9]})", line)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not here")
def test_pdflatex_sets_every_table(repository, tmp_path):
    tables = "\\clearpage\n".join(made(repository, tmp_path))
    (tmp_path / "all.tex").write_text(DOCUMENT % tables)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in (tmp_path / "all.log").read_text(errors="replace")
