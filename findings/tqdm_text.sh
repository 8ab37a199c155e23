#!/usr/bin/env bash
# ground: notebooks
# guess: 11
# expects: the text kept beside a tqdm.notebook bar, for pages without widgets, shows the bar as it ended
# happens: it is the text of the beginning; only the widget's stored state knows the end
# packages: tqdm==4.70.1 ipywidgets==8.1.9 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
# seen: stored value 40 of 40; text "0%| | 0/40"
# matters: reports, diffs and pages on a forge show every finished run at 0 %
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import sys
from importlib.metadata import version

from nbclient import NotebookClient
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
cell = v4.new_code_cell("from tqdm.notebook import tqdm\nfor _ in tqdm(range(40)):\n    pass")
executed = NotebookClient(v4.new_notebook(cells=[cell], metadata=kernel)).execute()
text = executed.cells[0].outputs[0].data["text/plain"]
states = executed.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
values = [state["state"]["value"] for state in states if state["model_name"] == "FloatProgressModel"]
for name in ("tqdm", "ipywidgets", "nbclient"):
    print(name, version(name))
print("the widget's stored value:", values, "of 40")
print("the text beside it:", text)
held = values == [40.0] and "0/40" in text and "100%" not in text
sys.exit(None if held else "changed: the text is the bar as it ended")
END
