#!/usr/bin/env bash
# ground: notebooks
# guess: none
# expects: reading and checking a notebook with nbformat needs json, a schema and little else, with JupyterLab installed
#   or without
# happens: JupyterLab brings jupyter-events, which asks for all of jsonschema's formats; from then on `import nbformat`
#   loads a parser generator and builds grammars of URIs and IRIs, of which notebooks hold none
# packages: nbformat==5.11.1 jupyter-events==0.12.1 jsonschema==4.26.0 rfc3987-syntax==1.1.0 lark==1.3.1
# seen: 39 grammars built by the import; none where rfc3987_syntax is made absent, and a sound notebook passes and a
#   faulty one fails as before
# matters: each process of papermill, nbval and nbconvert starts later by most of a second; smicnb's runs leave the
#   grammars out
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import subprocess
import sys
from importlib.metadata import version

CODE = """
import sys
import lark

if "absent" in sys.argv:
    sys.modules["rfc3987_syntax"] = None
built, begin = [], lark.Lark.__init__


def count(self, *given, **named):
    built.append(self)
    begin(self, *given, **named)


lark.Lark.__init__ = count
import nbformat
from nbformat import v4

after_import = len(built)
nbformat.validate(v4.new_notebook(cells=[v4.new_code_cell("1")]))
try:
    nbformat.validate({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "other"}]})
    print(after_import, "passes")
except nbformat.ValidationError:
    print(after_import, "fails")
"""


def run(*words):
    done = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


as_it_is, without = run(), run("absent")
for name in ("nbformat", "jupyter-events", "jsonschema", "rfc3987-syntax"):
    print(name, version(name))
print("grammars built by the import:", as_it_is[0], "; made absent:", without[0])
print("a faulty notebook", as_it_is[1], "; made absent:", without[1])
held = int(as_it_is[0]) >= 1 > int(without[0]) and as_it_is[1] == without[1] == "fails"
sys.exit(None if held else "changed: nbformat is imported without a grammar")
END
