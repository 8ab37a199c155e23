"""Write docs/reproduction.md and parts of results.md and which_codec.md, from its rows and the committed tables.

`python tools/write_reproduction.py` writes; with `--check` it only names the first difference and exits with status 2.
"""

import argparse
import sys

from smicnb.base.errors import SmicnbError
from smicnb.base.files import write_text
from smicnb.repro.checkout import root
from smicnb.repro.paper_map.page import documents, first_difference


def main() -> None:
    """The command; a mistake in the rows is one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare; status 2 where something differs")
    check = parser.parse_args().check
    try:
        for path, text in documents(root()).items():
            if check and (difference := first_difference(path, text)):
                raise SmicnbError(difference, do="say make map")
            if not check:
                write_text(path, text)
    except SmicnbError as error:
        print(f"write_reproduction: {error}", file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
