"""What the report shows: a card for each figure and table, with its rows of the map, its origin and its run."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from smicnb.repro.figures import keeper_of, read_sidecar
from smicnb.repro.paper_map.items import COMPUTED, Group, Reproduction, Row, unplaced
from smicnb.repro.paper_map.page import items
from smicnb.repro.report import states, tables
from smicnb.repro.report.states import Run
from smicnb.repro.runs import recipes

# Suffix -> what its link is called, in the order of the links.
DOWNLOADS = {".csv": "CSV", ".pdf": "PDF", ".png": "PNG", ".md": "Markdown", ".tex": "LaTeX", ".json": "origin"}


@dataclass(frozen=True)
class Card:
    """One figure or table.

    Args:
        name: its path below the checkout without suffix ("figures/bsds500/03_reconstruction/table1").
        rows: the rows of the map that name it, with their groups; () where none does.
        what: what it is, where no row says so, or "".
        run: the run of its notebook, or None where no notebook makes it.
    """

    root: Path
    name: str
    rows: tuple[tuple[Group, Row], ...]
    what: str
    run: Run | None

    @property
    def anchor(self) -> str:
        """A name that is unique in the report, for links: "bsds500-03_reconstruction-table1"."""
        return below_figures(self.name).replace("/", "-")

    @property
    def label(self) -> str:
        """The file's own name ("table1")."""
        return Path(self.name).name

    @property
    def title(self) -> str:
        """Its items in the paper ("Fig. 8", "Eq. 5, Table I (CC)"), else the file's name."""
        named = items(list(dict.fromkeys(row.item for _, row in self.rows)))
        return f"Claim {named}" if named.startswith("C") else named or self.label

    @property
    def state(self) -> str:
        """A key of `records.WORDS`."""
        return self.run.state if self.run else "absent"

    @property
    def said(self) -> str:
        """Its state in words: a figure without a run here is still a committed one."""
        if self.state != "absent":
            return self.run.said
        return ("committed, not run here" if self.run else "committed") if self.downloads else "never run"

    def file(self, suffix: str) -> Path | None:
        """Its file with this suffix, or None where there is none."""
        path = self.root / f"{self.name}{suffix}"
        return path if path.is_file() else None

    @property
    def downloads(self) -> list[tuple[str, Path]]:
        """What a reader may open: (how the link is called, the file)."""
        return [(label, path) for suffix, label in DOWNLOADS.items() if (path := self.file(suffix))]

    @cached_property
    def origin(self) -> dict[str, Any]:
        """The sidecar; {} where it is absent or cannot be read."""
        return read_sidecar(self.root / f"{self.name}.json")

    @property
    def caption(self) -> str:
        """The sidecar's caption, or ""."""
        return str(self.origin.get("caption", ""))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that made it, from the sidecar."""
        found = self.origin.get("parameters")
        return found if isinstance(found, dict) else {}

    @property
    def collection(self) -> str:
        """What it was measured on ("embedded"), without a place; "" where it was made from no photographs."""
        name = str(self.parameters.get("collection", "")).partition(":")[0]
        return name.upper() if name == "bsds500" else name

    @cached_property
    def table(self) -> tables.Table | None:
        """The data of a table; None of a figure, and where they cannot be read."""
        if self.file(".png") or not (path := self.file(".csv")):
            return None
        try:
            return tables.read(path)
        except (OSError, ValueError):
            return None


def below_figures(name: str) -> str:
    """The part of a path below the folder of figures: "00_a/fig1" of "figures/00_a/fig1"."""
    return name.partition("figures/")[2] or name


@dataclass(frozen=True)
class Paper:
    """A paper: its groups with their cards, and the items that have no figure of ours, with their groups."""

    key: str
    title: str
    groups: tuple[tuple[Group, tuple[Card, ...]], ...]
    without: tuple[tuple[Group, Row], ...]


@dataclass(frozen=True)
class Content:
    """All that the report shows: the recipe's runs and then those of others, papers, and cards of no paper's item."""

    runs: tuple[Run, ...]
    papers: tuple[Paper, ...]
    others: tuple[Card, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """Every card once."""
        return (*(card for paper in self.papers for _, cards in paper.groups for card in cards), *self.others)


def collect(root: Path, recipe: recipes.Recipe, found: Reproduction) -> Content:
    """What the report on `recipe` shows: the map's figures as that recipe makes them.

    The default recipe shows all that is committed. Another one has its own folder, in which a figure
    of the map keeps its notebook and name.
    """
    known = [recipes.recipe(path) for path in sorted((root / "recipes").glob("*.yaml"))]
    owners = {each.figures: each for each in known} | {recipe.figures: recipe}
    runs: dict[tuple[str, str], Run] = {}

    def run(owner: recipes.Recipe | None, notebook: str | None) -> Run | None:
        if owner is None or notebook not in owner.notebooks:
            return None
        key = owner.name, notebook
        return runs.setdefault(key, states.run(root, owner, notebook))

    def card(name: str, rows: tuple[tuple[Group, Row], ...] = (), what: str = "") -> Card:
        notebook = read_sidecar(root / f"{name}.json").get("notebook") or (rows[0][0].notebook if rows else None)
        return Card(root, name, rows, what, run(owners.get(str(Path(name).parents[1])), notebook))

    for notebook in recipe.notebooks:
        run(recipe, notebook)
    placed: dict[str, list[tuple[Group, Row]]] = {}
    for group in found.groups:
        for row in group.rows:
            for file in row.files:
                placed.setdefault(_path(root, recipe, file), []).append((group, row))
    papers, seen = [], set()
    for key, title in found.papers.items():
        groups = []
        for group in (group for group in found.groups if group.paper == key):
            names = [_path(root, recipe, file) for row in group.rows for file in row.files]
            new = [name for name in dict.fromkeys(names) if name not in seen]
            seen.update(new)
            groups.append((group, tuple(card(name, tuple(placed[name])) for name in new)))
        without = tuple(
            (group, row)
            for group in found.groups
            for row in group.rows
            if group.paper == key and (group.state not in COMPUTED or not row.files)
        )
        papers.append(Paper(key, title, tuple(pair for pair in groups if pair[1]), without))
    extra = dict.fromkeys(_extra(root, recipe, found, set(placed)), "not in the map yet")
    if recipe.figures == "figures":
        extra = {f"figures/{name}": what for name, what in found.supplementary.items()} | extra
    others = tuple(card(name, what=what) for name, what in extra.items())
    shown = [each for each in runs.values() if each.recipe == recipe.name or each.state != "absent"]
    shown.sort(key=lambda each: (each.recipe != recipe.name, each.recipe, each.notebook))
    return Content(tuple(shown), tuple(papers), others)


def _path(root: Path, recipe: recipes.Recipe, file: str) -> str:
    """Where a figure of the map lies: as the map says for the default recipe, else in the recipe's folder, but for
    what one folder of committed figures keeps for all."""
    mapped, own = f"figures/{file}", f"{recipe.figures}/{'/'.join(Path(file).parts[-2:])}"
    if recipe.figures == "figures" or (own.startswith("figures/") and keeper_of(root / f"{mapped}.json")):
        return mapped
    return own


def _extra(root: Path, recipe: recipes.Recipe, found: Reproduction, placed: set[str]) -> list[str]:
    """Figures and tables that no row of the map names."""
    if recipe.figures == "figures":
        return [f"figures/{name}" for name in unplaced(root, found)]
    paths = (root / recipe.figures).glob("*/*.csv")
    names = {path.relative_to(root).with_suffix("").as_posix() for path in paths}
    return sorted(names - placed)
