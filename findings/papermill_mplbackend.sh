#!/usr/bin/env bash
# ground: notebooks
# guess: 4
# expects: matplotlib's figures are in papermill's executed notebook, whatever MPLBACKEND is outside
# happens: with MPLBACKEND=Agg, usual on build machines, the kernel takes that: no figure, no warning, status 0
# packages: papermill==2.7.0 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1 matplotlib==3.11.2
# seen: [image/png] without it, [] with it
# matters: executed notebooks and reports made from them are without pictures on one machine alone; smicnb now names
#   the backend to its kernels
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import sys
from importlib.metadata import version

import nbformat
import papermill
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
os.environ |= {"MPLCONFIGDIR": os.path.abspath("matplotlib")}
os.environ.pop("MPLBACKEND", None)
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
cell = v4.new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
nbformat.write(v4.new_notebook(cells=[cell], metadata=kernel), "asked.ipynb")


def outputs():
    executed = papermill.execute_notebook("asked.ipynb", "executed.ipynb", progress_bar=False)
    return [sorted(output.get("data", {})) or output.output_type for output in executed.cells[-1].outputs]


without = outputs()
os.environ["MPLBACKEND"] = "Agg"
agg = outputs()
for name in ("papermill", "ipykernel", "matplotlib"):
    print(name, version(name))
print("outputs without MPLBACKEND:", without)
print("outputs with MPLBACKEND=Agg:", agg)
held = "image/png" in without[-1] and agg == []
sys.exit(None if held else "changed: the figure is there, or something says that it is not")
END
