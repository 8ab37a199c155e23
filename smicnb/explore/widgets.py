"""The explorer as widgets in JupyterLab: what it says comes from `explorer`, how it looks from `pages`."""

import contextlib
from collections.abc import Iterator

import ipywidgets
from IPython.display import display
from ipywidgets import HTML, Box, Button, Checkbox, Dropdown, FloatSlider, HBox, Layout, SelectionSlider, Text, VBox

from smicnb.base.errors import SmicnbError
from smicnb.explore import pages, recipe
from smicnb.explore.explorer import Answer, Explorer, Setting
from smicnb.explore.own_file import Found, OwnFile
from smicnb.studies.frontier.sweep import format_size

ROWS = 10  # atoms of an image that can be switched on and off, the strongest
FOUND = 6  # images, atoms and photographs of a file that words find
WEIGHTS = (-15.0, 15.0, 0.5)  # least, largest and step of a weight given by hand; latents have the norm 20


class ExplorerView:
    """Sliders, pictures and text fields around an explorer; a viewer without widgets shows its state as a page.

    Attributes:
        widget: everything, as one widget.
        by_hand: atom -> weight given to it; 0 where it was switched off.
    """

    def __init__(self, explorer: Explorer):
        self.explorer, self.by_hand, self._quiet = explorer, {}, False
        self._backgrounds = {n: pages.background(explorer, n) for n in explorer.sizes}
        self._atoms_of_rows: list[int] = []
        self._make_controls(explorer.default_point())
        self._make_hands()
        self._make_words()
        self._make_file()
        self._make_folder()
        self.recipe, self.commands = HTML(), HTML()
        self.widget = VBox([HTML(pages.STYLE + pages.LIVE), *self._arrange()], layout=Layout(max_width="980px"))
        self.widget.add_class("smx-live")
        self.refresh()

    def _make_controls(self, start: Setting) -> None:
        grid, here = self.explorer.grid, len(self.explorer.photographs.split("train"))
        sizes = [(f"{format_size(n)[4:]}{' (these)' if n == here else ''}", n) for n in self.explorer.sizes]
        self.sliders = {
            "n_atoms": _slider("atoms nₐ", grid.n_atoms, start.n_atoms),
            "penalty": _slider("sparsity λ", grid.penalties, start.penalty),
            "b_dict": _slider("bits b_dict", grid.b_dict, start.b_dict),
            "b_coef": _slider("bits b_coef", grid.b_coef, start.b_coef),
            "n": _slider("images n", sizes, start.n),
        }
        self.image = Dropdown(options=list(self.explorer.images), description="image", layout=Layout(width="494px"))
        self.to_hull = Button(description="Go to the hull", tooltip="the setting on the hull that is nearest in bits")
        self.plot, self.numbers, self.components, self.pictures = HTML(), HTML(), HTML(), HTML()
        for name, slider in self.sliders.items():
            slider.observe(self._start_over if name == "n_atoms" else self._handle_change, "value")
        self.image.observe(self._start_over, "value")
        self.to_hull.on_click(lambda _: self.move_to(self.explorer.nearest_on_hull(self.setting)))

    def _make_hands(self) -> None:
        self.checks = [Checkbox(indent=False, layout=Layout(width="210px")) for _ in range(ROWS)]
        self.bars, self.rest = [HTML() for _ in range(ROWS)], HTML()
        for row, check in enumerate(self.checks):
            check.observe(lambda change, row=row: self._handle_toggle(row, change["new"]), "value")
        self.atom = Dropdown(description="atom", layout=Layout(width="300px"))
        low, high, step = WEIGHTS
        self.weight = FloatSlider(value=8, min=low, max=high, step=step, description="weight", readout_format=".1f")
        self.add, self.reset = Button(description="Add"), Button(description="As coded")
        self.weight.observe(lambda _: self.atom.value in self.by_hand and self._handle_addition(), "value")
        self.add.on_click(lambda _: self._handle_addition())
        self.reset.on_click(self._start_over)

    def _make_words(self) -> None:
        self.text = Text(placeholder="a castle by the sea", description="words", continuous_update=False)
        self.said = HTML()
        self.found = {
            what: [(HTML(), Button(layout=Layout(width="90px", display="none"))) for _ in range(FOUND)]
            for what in _FOUND
        }
        self.targets: dict[str, list] = {what: [] for what in _FOUND}
        self.text.observe(lambda _: (self._ask(), self._find()), "value")
        for what, act in zip(_FOUND, (self._choose, self._add_found), strict=True):
            for place, (_, button) in enumerate(self.found[what]):
                button.on_click(lambda _, place=place, act=act: act(place))

    def _make_file(self) -> None:
        self.own_file: OwnFile | None = None
        wide = Layout(width="330px")
        self.file = Text(placeholder="~/photos.smic", description="file", layout=wide)
        self.originals = Text(placeholder="the folder it was made from", description="originals", layout=wide)
        self.search, self.searched = Button(description="Search"), HTML()
        self.hits = [HTML() for _ in range(FOUND)]
        self.search.on_click(lambda _: self._open_file())

    def _make_folder(self) -> None:
        self.path = Text(placeholder="~/Pictures", description="folder", layout=Layout(width="400px"))
        self.open, self.opened, self.progress = Button(description="Open"), HTML(), ipywidgets.Output()
        self.open.on_click(lambda _: self._open())

    def _arrange(self) -> Iterator[ipywidgets.Widget]:
        left = VBox([*self.sliders.values(), self.to_hull, self.numbers], layout=Layout(width="400px"))
        yield HBox([left, self.plot], layout=_WRAPPED)
        yield self.components
        rows = [HBox([check, bar]) for check, bar in zip(self.checks, self.bars, strict=True)]
        hand = VBox([HBox([self.atom, self.add]), HBox([self.weight, self.reset])])
        atoms = VBox([_title("Atoms: switch them off, add others"), *rows, self.rest, hand])
        yield HBox([VBox([self.image, self.pictures]), atoms], layout=_WRAPPED)
        yield _title("Words: which images and which atoms answer")
        yield HBox([self.text, self.said])
        for what in _FOUND:
            yield Box([VBox(pair) for pair in self.found[what]], layout=_WRAPPED)
        yield _title("The same words, asked of a .smic file of your own")
        yield HBox([self.file, self.originals, self.search], layout=_WRAPPED)
        yield self.searched
        yield Box(self.hits, layout=_WRAPPED).add_class("smx-hits")
        yield _title("Your own photographs, coded with this dictionary")
        yield VBox([HBox([self.path, self.open]), self.opened, self.progress])
        yield _title("This setting, to keep")
        yield VBox([self.recipe, self.commands])

    @property
    def setting(self) -> Setting:
        """Where the sliders stand."""
        return Setting(**{name: slider.value for name, slider in self.sliders.items()})

    def move_to(self, setting: Setting) -> None:
        """Put all sliders where `setting` says."""
        with self._hold_answers():
            for name, slider in self.sliders.items():
                slider.value = getattr(setting, name)
        self._start_over()

    def refresh(self) -> None:
        """Show what the explorer answers to the present state."""
        setting, explorer = self.setting, self.explorer
        cost = explorer.cost(setting)
        answer = explorer.answer(setting, self.image.value, self.by_hand)
        self.plot.value = pages.frontier(self._backgrounds[setting.n], cost)
        self.numbers.value = pages.numbers(cost)
        self.components.value = pages.components(cost, setting.n)
        self.pictures.value = pages.pictures(explorer, self.image.value, answer)
        self.recipe.value = pages.copy_box("Recipe", recipe.recipe(explorer, setting))
        self.commands.value = pages.copy_box("Commands", recipe.commands(explorer, setting))
        self._show_parts(setting, answer)
        if self.text.value:
            self._ask()

    def _show_parts(self, setting: Setting, answer: Answer) -> None:
        words, atoms = self.explorer.atom_words(setting), self.explorer.books.find(setting.point).atoms
        options = [(f"{atom}: {name}", atom) for atom, name in enumerate(words)]
        with self._hold_answers():
            if self.atom.options != tuple(options):
                before = self.atom.value or 0
                self.atom.options = options
                self.atom.value = min(before, len(words) - 1)
            largest = max((abs(part.weight or part.coded) for part in answer.parts), default=1.0)
            self._atoms_of_rows = [part.atom for part in answer.parts[:ROWS]]
            for part, check, bar in zip(answer.parts, self.checks, self.bars, strict=False):
                check.description, check.value = f"{part.atom}: {part.words}", part.weight != 0
                bar.value = pages.weight(self.explorer, part, largest, atoms[part.atom])
            for row, pair in enumerate(zip(self.checks, self.bars, strict=True)):
                for widget in pair:
                    widget.layout.display = None if row < len(answer.parts) else "none"
        used = sum(part.weight != 0 for part in answer.parts)
        shown = f"; the {ROWS} strongest are shown" if len(answer.parts) > ROWS else ""
        self.rest.value = pages.message(f"{used} of {setting.n_atoms} atoms in use{shown}")

    @contextlib.contextmanager
    def _hold_answers(self) -> Iterator[None]:
        """Widgets that are set in here ask for no answer."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _handle_change(self, _) -> None:
        if not self._quiet:
            self.refresh()

    def _start_over(self, _=None) -> None:
        """Show another image or another dictionary, as coded."""
        if not self._quiet:
            self.by_hand.clear()
            self.refresh()

    def _handle_toggle(self, row: int, on: bool) -> None:
        if self._quiet:
            return
        atom = self._atoms_of_rows[row]
        added = atom in self.by_hand and self.by_hand[atom] != 0
        self.by_hand.pop(atom, None)
        if not on and not added:
            self.by_hand[atom] = 0.0
        self.refresh()

    def _handle_addition(self) -> None:
        if not self._quiet:
            self.by_hand[self.atom.value] = self.weight.value
            self.refresh()

    def _ask(self) -> None:
        with self._report_errors(self.said):
            images, atoms = self.explorer.ask(self.text.value, self.setting, FOUND)
            words = self.explorer.atom_words(self.setting)
            directions = self.explorer.books.find(self.setting.point).atoms
            self.targets = {"images": [name for name, _ in images], "atoms": [atom for atom, _ in atoms]}
            instant = self.explorer.pictures.instant
            looks = [self.explorer.pictures.picture_of(directions[atom]) if instant else None for atom, _ in atoms]
            cards = {
                "images": [
                    (self.explorer.images[name].jpeg, name.rpartition("/")[2], cosine) for name, cosine in images
                ],
                "atoms": [
                    (look and look.jpeg, f"atom {atom}: {words[atom]}", cosine)
                    for (atom, cosine), look in zip(atoms, looks, strict=True)
                ],
            }
            for what, act in _FOUND.items():
                made = pages.draw_cards(cards[what])
                for place, (card, button) in enumerate(self.found[what]):
                    card.value = made[place] if place < len(made) else ""
                    button.description, button.layout.display = act, None if place < len(made) else "none"
            self.said.value = ""

    def _open_file(self) -> None:
        """Take another file to search; one that cannot be read leaves none."""
        if self.own_file is not None:
            self.own_file.close()
            self.own_file = None
        with self._report_errors(self.searched):
            self.own_file = OwnFile(self.file.value, self.originals.value)
        if self.own_file is None:
            self._show_hits([])
        else:
            self._find()

    def _find(self) -> None:
        """Show what of the file answers to the words."""
        if self.own_file is None:
            return
        found: list[Found] = []
        with self._report_errors(self.searched):
            found = self.own_file.find(self.text.value, FOUND) if self.text.value.strip() else []
            missing = sorted({photograph.why for photograph in found if photograph.why})
            asked = "" if self.text.value.strip() else "; type words above"
            self.searched.value = pages.message(self.own_file.summary + asked + "".join(f"; {why}" for why in missing))
        self._show_hits([(photograph.jpeg, photograph.name, photograph.score) for photograph in found])

    def _show_hits(self, cards: list[tuple[bytes | None, str, float]]) -> None:
        made = pages.draw_cards(cards)
        for place, card in enumerate(self.hits):
            card.value = made[place] if place < len(made) else ""

    def _choose(self, place: int) -> None:
        self.image.value = self.targets["images"][place]

    def _add_found(self, place: int) -> None:
        self.atom.value = self.targets["atoms"][place]
        self._handle_addition()

    def _open(self) -> None:
        self.opened.value = pages.message("looking through the folder …")
        with (
            self.progress,
            self._report_errors(self.opened),
        ):  # in this order: an Output shows what it catches as a traceback
            labels, summary = self.explorer.open_folder(self.path.value)
            self.opened.value = pages.message(summary)
            with self._hold_answers():
                self.image.options = list(self.explorer.images)
                self.image.value = labels[0]
            self._start_over()
        self.progress.clear_output()

    @contextlib.contextmanager
    def _report_errors(self, where: HTML) -> Iterator[None]:
        """A user's mistake becomes one line at `where`."""
        try:
            yield
        except SmicnbError as error:
            where.value = pages.message(str(error), error=True)
        except OSError as error:
            where.value = pages.message(error.strerror or str(error), error=True)

    def page(self) -> str:
        """The present state as HTML without widgets."""
        setting, image = self.setting, self.image.value
        answer = self.explorer.answer(setting, image, self.by_hand)
        return pages.page(
            self.explorer, self._backgrounds[setting.n], setting, image, self.explorer.cost(setting), answer
        )

    def _ipython_display_(self) -> None:
        """Show the page, then the widgets: where these live, their style hides the page."""
        display({"text/html": self.page(), "text/plain": "the explorer's first state"}, raw=True)
        display(self.widget)


_FOUND = {"images": "Show", "atoms": "Add"}
_WRAPPED = Layout(flex_flow="row wrap", grid_gap="10px")


def _slider(name: str, options, value) -> SelectionSlider:
    style = {"description_width": "90px"}
    return SelectionSlider(options=options, value=value, description=name, style=style, layout=Layout(width="390px"))


def _title(text: str) -> HTML:
    return HTML(f'<div class="smx"><h3>{text}</h3></div>')
