"""What a notebook talks to: it says once what it was made from, and saves figures that remember it."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.base.files import atomic_path, sha256_file, write_json
from smicnb.base.work.environment import MANIFEST, OUT, tune_process
from smicnb.drawing import style
from smicnb.repro import figures
from smicnb.repro.checkout import figures_of, hide_path, root, versions
from smicnb.repro.parameters import model_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Session:
    """One run of one notebook.

    A figure that every run would draw alike, since its data are those of one data set or of none, is committed once:
    `kept_in` names the data set whose folder keeps it, "embedded" for what follows from no photographs. Runs on
    others show it; where their figures are not committed, they have it too.

    Args:
        notebook: its name ("03_reconstruction").
        parameters: the values it runs with, JSON types; "seed" among them.
        out: folder that figures and tables go to.
        manifest: file that lists what was saved, for whoever started the run; None without one.
    """

    def __init__(self, notebook: str, parameters: dict[str, Any], out: Path, manifest: Path | None):
        json.dumps(parameters)  # a parameter that JSON cannot hold would be lost in the record
        self.notebook, self.parameters, self.out = notebook, parameters, out
        self._manifest, self._saved = manifest, []
        self._made_from: dict[str, Any] = {}
        style.use_style()

    def note_inputs(self, **inputs: Any) -> None:
        """Name what later figures depend on beside the parameters: hashes of data and weights."""
        self._made_from.update(inputs)

    def _origin(self, name: str, kept_in: str | None) -> dict[str, Any]:
        """What the sidecar of NAME says; where its committed copy is another run's, a reader is told."""
        folder = figures_of(kept_in, self.notebook).relative_to(root()).as_posix() if kept_in else ""
        if kept_in and not self._is_on(kept_in):
            print(f"{name} is committed in {folder}")
        return {
            "notebook": self.notebook,
            "parameters": {name: hide_path(value) for name, value in self.parameters.items()},
            "made_from": self._made_from,
            "versions": versions(),
            **({"kept_in": folder} if folder else {}),
        }

    def save_figure(
        self, figure: "Figure", name: str, data: pd.DataFrame, caption: str, kept_in: str | None = None
    ) -> None:
        """Save NAME.png, NAME.pdf, NAME.csv (the data behind) and NAME.json (the origin); a notebook shows it."""
        picture, table, sidecar = (self.out / f"{name}{suffix}" for suffix in (".png", ".csv", ".json"))
        origin = self._origin(name, kept_in)
        figures.write_data(table, data)
        figures.write_picture(picture, figure, caption, origin)
        figures.write_sidecar(sidecar, origin, caption, [picture, table])
        self._list(picture, picture.with_suffix(".pdf"), table, sidecar)
        figures.show(figure, name)

    def save_table(self, data: pd.DataFrame, name: str, caption: str, kept_in: str | None = None) -> pd.DataFrame:
        """Save NAME.csv, NAME.md, NAME.tex and NAME.json; returns `data`, so that the notebook shows it."""
        self._list(*figures.write_table(self.out / f"{name}.csv", data, caption, self._origin(name, kept_in)))
        return data

    def save_reading(self, sentences: Iterable[str], name: str) -> None:
        """Print what the tables come to, and save NAME.md, with a sentence on each line, and NAME.json."""
        told = list(sentences)
        self._list(*figures.write_reading(self.out / f"{name}.md", told, self._origin(name, None)))
        print(*told, sep="\n\n")

    def store_table(self, data: pd.DataFrame, name: str) -> pd.DataFrame:
        """A table as NAME.csv gives it back, which stays as it is where it says the same to within rounding.

        What is derived from that, and not from `data`, is the same on every machine.
        """
        path = self.out / f"{name}.csv"
        figures.write_data(path, data)
        return pd.read_csv(path)

    def save_parquet(self, data: pd.DataFrame, name: str) -> None:
        """Save a table too long to be committed as NAME.parquet, whole numbers and all digits as they are."""
        target = self.out / f"{name}.parquet"
        with atomic_path(target) as temporary:
            data.to_parquet(temporary, index=False)
        self._list(target)

    @contextlib.contextmanager
    def executor(self) -> Iterator[Executor | None]:
        """The executor for a long piece of work: what `smicnb run` lends, or None, for here and now."""
        from smicnb.base.work import executors

        with executors.lend_executor() as executor:
            yield executor

    def take_measured(self, data_set: str, name: str, measured: pd.DataFrame) -> pd.DataFrame:
        """The table NAME as measured on "bsds500" or "kodak", whose recipe writes to figures/DATA_SET/NOTEBOOK:
        `measured` where this run is on it, else the committed one.

        Raises:
            SmicnbError: there is no committed one.
        """
        if self._is_on(data_set):
            return measured
        path = figures_of(data_set, self.notebook) / f"{name}.csv"
        if not path.is_file():
            raise SmicnbError(
                f"'{path.name}' of {data_set} is absent",
                "the committed table",
                f"run make {data_set} {data_set.upper()}=PATH",
            )
        self.note_inputs(**{path.relative_to(root()).as_posix(): sha256_file(path)})
        return pd.read_csv(path)

    def name_models(self, data_set: str, name: str) -> str:
        """One clause for captions: the models by which the table NAME of `take_measured` was made."""
        parameters = self.parameters
        if not self._is_on(data_set):
            sidecar = figures_of(data_set, self.notebook) / f"{name}.json"
            parameters = json.loads(sidecar.read_text(encoding="utf-8"))["parameters"]
        kinds = {"encoder": "latents by", "generator": "images by", "judge": "judged by"}
        return ", ".join(f"{verb} {hide_path(parameters[kind])}" for kind, verb in kinds.items() if kind in parameters)

    def _is_on(self, data_set: str) -> bool:
        return str(self.parameters.get("collection", "")).partition(":")[0] == data_set

    def _list(self, *files: Path) -> None:
        self._saved += [file.relative_to(self.out).as_posix() for file in files]
        if self._manifest is not None:
            write_json(self._manifest, self._saved)


def start(notebook: str, values: Mapping[str, Any]) -> Session:
    """Begin the run of a notebook; figures go where `smicnb run` says, without it to .smicnb/interactive/NOTEBOOK.

    Args:
        notebook: name of its file in notebooks/, without suffix; its cell tagged `parameters` says which there are.
        values: name -> value of at least these: `globals()`.

    Raises:
        SmicnbError: a value of another type or out of its bounds, or no such notebook.
    """
    tune_process()
    out = os.environ.get(OUT)
    manifest = os.environ.get(MANIFEST)
    path = root() / "notebooks" / f"{notebook}.ipynb"
    if not path.is_file():
        raise SmicnbError(f"found no notebook '{path}'", "the name of the one that runs")
    model = model_of(path)
    parameters = model(**{name: values[name] for name in model.model_fields if name in values})
    folder = Path(out) if out else root() / ".smicnb" / "interactive" / notebook
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SmicnbError(f"cannot write to '{folder}' ({error.strerror})", "a folder for figures") from error
    return Session(notebook, parameters.model_dump(), folder, Path(manifest) if manifest else None)
