#!/usr/bin/env bash
# ground: notebooks
# guess: 14
# expects: what a task of asyncio prints during a later cell is kept somewhere in the executed notebook
# happens: the text carries the number of the cell that began the task, and nbclient drops what does not carry the
#   current one's; a thread's is kept
# packages: nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
# seen: 0 of a task's 3 lines, 3 of a thread's
# matters: progress and warnings of asynchronous work are lost in batch without a trace
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import sys
from importlib.metadata import version

from nbclient import NotebookClient
from nbformat import v4

os.environ |= {"IPYTHONDIR": os.path.abspath("ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
BODY = "for i in range(3):\n        print('step', i, flush=True); {sleep}"
TASK = "import asyncio\nasync def work():\n    " + BODY.format(sleep="await asyncio.sleep(0.2)")
THREAD = "import time, threading\ndef work():\n    " + BODY.format(sleep="time.sleep(0.2)")


def kept(*sources):
    book = v4.new_notebook(cells=[v4.new_code_cell(text) for text in sources], metadata=kernel)
    executed = NotebookClient(book).execute()
    text = "".join(output.get("text", "") for cell in executed.cells for output in cell.outputs)
    return text.count("step")


task = kept(TASK + "\ntask = asyncio.create_task(work())", "await asyncio.sleep(1)", "await task")
thread = kept(THREAD + "\nthread = threading.Thread(target=work); thread.start()", "time.sleep(1)", "thread.join()")
for name in ("nbclient", "ipykernel"):
    print(name, version(name))
print(f"of 3 lines that a task of asyncio prints, the notebook keeps {task}; of a thread's {thread}")
sys.exit(None if task == 0 and thread == 3 else "changed: other lines are kept")
END
