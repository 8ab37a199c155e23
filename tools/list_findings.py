"""Make the table of findings/README.md from the scripts' headers, or run the scripts and say which behaviours changed.

`python tools/list_findings.py` writes the page; with --run it runs all scripts, or those that are named. Each installs
its packages into a folder that it deletes, so that a run takes minutes, and gigabytes of downloads where torch comes
with CUDA.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "findings"
PAGE = FOLDER / "README.md"
FIELDS = ("ground", "guess", "expects", "happens", "packages", "seen", "matters")
GROUNDS = {  # as in the headers -> heading, and the page of its guesses
    "still pictures": ("Still pictures at the edge of rate", "still_pictures"),
    "quantisers": ("Quantisers and dictionaries", "quantisers"),
    "notebooks": ("Notebooks in batch", "notebooks"),
    "collections": ("Large collections", "collections"),
    "metrics": ("Metrics on unusual input", "metrics"),
    "entropy coding": ("Entropy coding across machines", "entropy_coding"),
    "search": ("Searching in vectors", "search"),
    "seeds": ("What a seed promises", "seeds"),
    "numbers": ("Latents by codecs of numbers", "numbers"),
    "libraries": ("Where libraries meet", "libraries"),
    "rate distortion": ("How rate and distortion are measured", "rate_distortion"),
}
OUTCOMES = {0: "holds", 69: "not installed", 77: "not to be seen on this processor"}  # anything else: changed
INTRODUCTION = """# Findings

Where a library, tool or format of this field does something else than a good guess from memory says, and it is no
fault of ours. Each row is a script that installs the pinned packages into a temporary folder, without smicnb, runs them
on input that it makes, says what it sees, and fails once the behaviour is another: `bash findings/NAME.sh`, or
`make findings` for all, apart from any build. A script ends with 0 where the behaviour is as described, 69 where the
packages could not be installed, 77 where this processor cannot show it. What they saw is in their headers.

The findings come from guesses that were written down, with a confidence, before anything was run; each ground links its
guesses, hits and misses. A finding without a guess's number was met beside them.

The tables are made from the scripts' headers: `python tools/list_findings.py`.
"""
COLUMNS = ("finding", "guess", "what one expects", "what happens", "why it matters here", "seen with")


def header(script: Path) -> dict[str, str]:
    """The fields of a script's header, lines that continue one joined to it."""
    fields: dict[str, str] = {}
    name = ""
    for line in script.read_text().splitlines()[1:]:
        begun = re.match(r"# (\w+): (.+)", line)
        if begun:
            name = begun[1]
            fields[name] = begun[2]
        elif name and line.startswith("#   "):
            fields[name] += f" {line[4:]}"
        else:
            break
    return fields


def scripts() -> list[Path]:
    """All findings, by name."""
    return sorted(FOLDER.glob("*.sh"))


def page() -> str:
    """findings/README.md as the headers have it."""
    parts = [INTRODUCTION]
    for ground, (heading, guesses) in GROUNDS.items():
        parts += [f"\n## {heading}\n", f"\n[Guesses](guesses/{guesses}.md)\n\n"]
        parts += [f"| {' | '.join(COLUMNS)} |\n", "|---" * len(COLUMNS), "|\n"]
        for script in scripts():
            fields = header(script)
            if fields["ground"] == ground:
                link = f"[{script.stem}]({script.name})"
                versions = fields["packages"].replace(" ", ", ").replace("==", " ")
                number = fields["guess"].replace("none", "–")
                cells = [link, number, fields["expects"], fields["happens"], fields["matters"], versions]
                parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def run(chosen: list[Path]) -> int:
    """Run scripts one after another and say what became of each; 1 if any changed or could not be installed."""
    failed = 0
    for script in chosen:
        environment = {"PYTHON": sys.executable, **os.environ}
        done = subprocess.run(
            ["bash", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        outcome = OUTCOMES.get(done.returncode, "changed")
        print(f"{script.stem}: {outcome}", flush=True)
        if outcome in ("changed", "not installed"):
            failed = 1
            print("  " + done.stdout.strip().replace("\n", "\n  "), flush=True)
    return failed


def main() -> int:
    """Write the page, or run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs="*", metavar="NAME", help="run all scripts, or these")
    names = parser.parse_args().run
    if names is None:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    known = {script.stem: script for script in scripts()}
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"found no finding {', '.join(unknown)}; there are {', '.join(known)}")
    return run([known[name] for name in names] or list(known.values()))


if __name__ == "__main__":
    sys.exit(main())
