#!/usr/bin/env bash
# ground: notebooks
# guess: 12
# expects: papermill accepts an error in a cell tagged `raises-exception`, as nbclient does
# happens: all cells run, then papermill fails the notebook because of the accepted error
# packages: papermill==2.7.0 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
# seen: papermill: exit status 1, though the next cell ran; nbclient: accepted
# matters: a notebook that shows an error on purpose passes in JupyterLab and under nbclient, and fails in the batch
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
shown = v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
book = v4.new_notebook(cells=[shown, v4.new_code_cell('print("went on")')], metadata=kernel)
nbformat.write(book, "asked.ipynb")
command = [Path(sys.executable).with_name("papermill"), "asked.ipynb", "executed.ipynb", "--no-progress-bar"]
done = subprocess.run(command, capture_output=True, text=True)
ran = [output.get("text") for output in nbformat.read("executed.ipynb", 4).cells[-1].outputs] == ["went on\n"]
NotebookClient(book).execute()  # raises where it does not accept the cell
for name in ("papermill", "nbclient", "ipykernel"):
    print(name, version(name))
print("papermill: exit status", done.returncode, "· the cell after the tagged one ran:", ran)
print("nbclient: accepted")
sys.exit(None if done.returncode == 1 and ran else "changed: papermill accepts the tagged cell, or stops at it")
END
