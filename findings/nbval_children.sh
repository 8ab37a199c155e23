#!/usr/bin/env bash
# ground: notebooks
# guess: 1
# expects: what a subprocess prints is an output of its cell under nbval as under papermill
# happens: ipykernel does not watch the file descriptors where it finds PYTEST_CURRENT_TEST in its environment: the
#   text goes past the notebook
# packages: nbval==0.11.0 pytest==9.2.0 papermill==2.7.0 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
# seen: papermill keeps "from a child"; nbval ends with status 1 on the notebook that papermill has just executed
# matters: notebooks that call encoders as programmes (ffmpeg) fail under nbval, or pass only where outputs were
#   stripped
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys
from importlib.metadata import version

import nbformat
import papermill
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
cell = v4.new_code_cell('import subprocess\n_ = subprocess.run(["echo", "from a child"])\nprint("from the cell")')
nbformat.write(v4.new_notebook(cells=[cell], metadata=kernel), "asked.ipynb")
executed = papermill.execute_notebook("asked.ipynb", "executed.ipynb", progress_bar=False)
kept = "".join(output.get("text", "") for output in executed.cells[-1].outputs)
command = [sys.executable, "-m", "pytest", "--nbval", "executed.ipynb", "-q", "--color=no", "-p", "no:cacheprovider"]
done = subprocess.run(command, capture_output=True, text=True)
for name in ("nbval", "papermill", "ipykernel"):
    print(name, version(name))
print("papermill keeps:", kept.splitlines())
print("nbval, on that very notebook, ends with", done.returncode, "and says:")
print("\n".join(line for line in done.stdout.splitlines() if "==" in line and "from" in line))
sys.exit(None if "from a child" in kept and done.returncode == 1 else "changed: nbval sees what a child prints")
END
