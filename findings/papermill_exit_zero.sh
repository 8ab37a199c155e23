#!/usr/bin/env bash
# ground: notebooks
# guess: 2
# expects: a notebook that ends half way by `sys.exit(0)` is an error to papermill
# happens: papermill passes over it: status 0, and the cells after it never run
# packages: papermill==2.7.0 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
# seen: exit status 0, execution counts [1, 2, None]
# matters: a batch takes a notebook without its figures for done; smicnb's own engine lets such a cell fail
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
sources = ["import sys", "sys.exit(0)", 'open("figure", "w").close()']
nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(text) for text in sources], metadata=kernel), "asked.ipynb")
command = [Path(sys.executable).with_name("papermill"), "asked.ipynb", "executed.ipynb", "--no-progress-bar"]
done = subprocess.run(command, capture_output=True, text=True)
counts = [cell.execution_count for cell in nbformat.read("executed.ipynb", 4).cells]
for name in ("papermill", "nbclient", "ipykernel"):
    print(name, version(name))
print("exit status", done.returncode, "· execution counts", counts)
print("the last cell's file exists:", Path("figure").exists())
stopped = counts[-1] is None and not Path("figure").exists()
sys.exit(None if done.returncode == 0 and stopped else "changed: papermill tells that the notebook stopped, or goes on")
END
