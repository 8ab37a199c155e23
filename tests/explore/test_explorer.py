"""The explorer's answers against sweep, codec and files, and its widgets without a front end."""

import math
import re
import shlex
import time
from html import escape

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from smicnb.base.errors import SmicnbError
from smicnb.cli.main import app
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.search.index import SemanticIndex
from smicnb.drawing import style
from smicnb.explore import explorer as explore
from smicnb.explore import pages
from smicnb.explore import recipe as explore_recipe
from smicnb.explore.explorer import Setting
from smicnb.explore.pictures import Pictures, thumbnail
from smicnb.explore.widgets import ExplorerView
from smicnb.repro.runs import recipes
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.words import list_words
from smicnb.semantics.spaces import NORM, SemanticSpace, normalise
from smicnb.studies.frontier.sweep import Grid, bits_per_image

GRID = Grid([2, 16], [2, 4], [1, 4], [0.2, 0.8], 0.5, NORM, 1, "lite0-minilm")
FAST = 0.2  # seconds for an answer, in the median of each kind of action
SOON = 3.0  # seconds for an answer to new words, which a network reads first: it feels whatever else the cores do
COLLECTION = 216  # images of the embedded collection's split "train"


@pytest.fixture(scope="module")
def explorer():
    style.use_style()
    return explore.prepare("embedded", "lite0-minilm", "retrieval", GRID)


@pytest.fixture(scope="module")
def setting():
    return Setting(n_atoms=16, penalty=0.2, b_dict=4, b_coef=4, n=1000)


@pytest.fixture
def view(explorer):
    return ExplorerView(explorer)


@pytest.fixture
def folder(tmp_path):
    """Two photographs whose names no page should take for its own, a text, and a file that is no image."""
    for name, item in zip(
        ("<b>sea & land</b>.png", "tower.png"), image_collections.load("embedded").items, strict=False
    ):
        Image.fromarray(item.image()[:200, :300]).save(tmp_path / name.replace("/", "\N{FRACTION SLASH}"))
    (tmp_path / "notes.txt").write_text("not a photograph")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    return tmp_path


def codec_of(explorer, setting):
    return SMICCodec.from_codebook(explorer.books.find(setting.point), refit=True)


def test_the_point_is_the_sweeps(explorer):
    for n in (100, 1000, math.inf):
        setting = Setting(2, 0.8, 2, 1, n)
        cost = explorer.cost(setting)
        for split, rows in explorer.splits.items():
            here = (rows["n_atoms"] == 2) & (rows["penalty"] == 0.8) & (rows["b_dict"] == 2) & (rows["b_coef"] == 1)
            (row,) = np.flatnonzero(here)
            assert cost.bits[split] == pytest.approx(bits_per_image(rows, n, "entropy")[row], rel=1e-12)
            assert cost.cosine[split] == rows["latent_cosine"][row]
            assert cost.hull[split] >= cost.cosine[split] - 1e-12


def test_bits_by_component_are_those_of_the_collections_file(explorer):
    setting = Setting(16, 0.2, 4, 4, COLLECTION)
    assert COLLECTION in explorer.sizes
    latents = normalise(explorer.space.encode(explorer.photographs.split("train")))
    assert len(latents) == COLLECTION
    with SmicReader(codec_of(explorer, setting).encode(latents)) as opened:
        spent = {part: 8 * length / COLLECTION for part, length in opened.file.spent.items()}
        kept = latent_cosine(latents, opened.latents()).mean()
    cost = explorer.cost(setting)
    for part in ("dictionary", "tables", "header", "index"):
        assert cost.components[part] == pytest.approx(spent[part], rel=1e-12), part
    blocks = math.ceil(COLLECTION / 64)
    assert 0 <= spent["payload"] - cost.components["payload"] < blocks * 48 / COLLECTION  # padding and a check
    assert cost.cosine["train"] == pytest.approx(kept, abs=1e-6)
    without = sum(explorer.cost(Setting(16, 0.2, 4, 4, math.inf)).components.values())
    assert without == pytest.approx(spent["payload"] + 8 * 13 / 64, abs=1)


def test_an_image_is_what_a_file_of_it_alone_gives_back(explorer, setting):
    for image in list(explorer.images)[:: len(explorer.images) // 4]:
        shown, answer = explorer.images[image], explorer.answer(setting, image)
        with SmicReader(codec_of(explorer, setting).encode(shown.latent[None])) as opened:
            assert (opened.latents()[0] == answer.latent).all()
            assert 8 * opened.file.spent["payload"] == answer.payload_bits
            assert set(np.flatnonzero(opened.block(0).levels[0] >= 0)) == {part.atom for part in answer.parts}
        assert answer.latent_cosine == pytest.approx(latent_cosine(shown.latent[None], answer.latent[None])[0])
        rebuilt = sum(part.weight * explorer.books.find(setting.point).atoms[part.atom] for part in answer.parts)
        assert latent_cosine(rebuilt[None], answer.latent[None])[0] > 1 - 1e-9
        nearest = explorer.space.generator.nearest(answer.latent[None])[0]
        assert answer.picture.jpeg == thumbnail(nearest)
    seen = explorer.space.encoder.encode_images([nearest.image()])
    assert answer.image_cosine == pytest.approx(latent_cosine(shown.latent[None], seen)[0], abs=1e-4)


def test_the_strongest_atoms_come_first_with_the_spaces_words(explorer, setting):
    parts = explorer.answer(setting, next(iter(explorer.images))).parts
    weights = [abs(part.weight) for part in parts]
    assert weights == sorted(weights, reverse=True)
    atoms = explorer.books.find(setting.point).atoms
    named = explorer.namer.name_latents(atoms[[part.atom for part in parts]])
    assert [part.words for part in parts] == [", ".join(word for word, _ in some[:2]) for some in named]
    assert {word for some in named for word, _ in some} < set(image_collections.words().words)


def test_atoms_come_and_go_by_hand(explorer, setting):
    image = next(iter(explorer.images))
    book, before = explorer.books.find(setting.point), explorer.answer(setting, image)
    first = before.parts[0].atom
    without = explorer.answer(setting, image, {first: 0.0})
    assert without.parts[0] == before.parts[0]._replace(weight=0.0, by_hand=True)
    assert without.latent_cosine < before.latent_cosine - 0.01
    rebuilt = sum(part.weight * book.atoms[part.atom] for part in before.parts[1:])
    assert latent_cosine(rebuilt[None], without.latent[None])[0] > 1 - 1e-9
    other = next(atom for atom in range(16) if atom not in {part.atom for part in before.parts})
    added = explorer.answer(setting, image, {other: 9.0})
    assert (added.parts[0].atom, added.parts[0].coded) == (other, 0.0)
    step = (book.quantiser.high - book.quantiser.low) / 2**setting.b_coef * NORM / 2**17
    assert abs(added.parts[0].weight - min(9.0, book.quantiser.high * NORM / 2**17)) <= step
    towards = [float(answer.latent @ book.atoms[other]) for answer in (before, added)]
    assert towards[1] > towards[0] + 1
    assert added.payload_bits >= before.payload_bits
    last = before.parts[-1].atom
    assert explorer.answer(setting, image, {last: 5.0}).parts[0].atom == last
    alone = explorer.answer(setting, image, {**{part.atom: 0.0 for part in before.parts}, other: 3.0})
    assert ", ".join(word for word, _ in alone.words[:2]) == alone.parts[0].words
    assert explorer.answer(setting, image).parts == before.parts


def test_nothing_coded_is_no_picture(explorer, setting, view):
    image = next(iter(explorer.images))
    parts = explorer.answer(setting, image).parts
    nothing = explorer.answer(setting, image, {part.atom: 0.0 for part in parts})
    assert nothing.picture is None
    assert nothing.words == []
    assert nothing.latent_cosine == nothing.image_cosine == 0
    view.move_to(setting)
    view.by_hand.update({part.atom: 0.0 for part in parts})
    view.refresh()
    assert "nothing is coded" in view.pictures.value
    assert f"0 of {setting.n_atoms} atoms in use" in view.rest.value


def test_the_hull_is_reached_near_by(explorer):
    for n in explorer.sizes:
        there = explorer.nearest_on_hull(Setting(16, 0.8, 4, 1, n))
        cost = explorer.cost(there)
        assert cost.cosine["train"] == pytest.approx(cost.hull["train"])
        assert explorer.nearest_on_hull(there) == there
        bits = bits_per_image(explorer.splits["train"], n, "entropy")
        assert bits.min() <= cost.bits["train"] <= bits.max()


def test_words_are_answered_by_cosine(explorer, setting):
    images, atoms = explorer.ask(" flower ", setting, 5)
    wanted = explorer.space.encoder.encode_text(["a photo of flower"])
    latents = np.stack([shown.latent for shown in explorer.images.values()])
    cosines = latent_cosine(latents, np.broadcast_to(wanted, latents.shape))
    assert [cosine for _, cosine in images] == pytest.approx(sorted(cosines, reverse=True)[:5])
    assert images[0][0] == list(explorer.images)[int(cosines.argmax())]
    _, seen = list_words([explorer.images[name].item.scene for name, _ in images], image_collections.words().words)
    assert any("flower" in some for some in seen)
    assert len(atoms) == 5
    assert [cosine for _, cosine in atoms] == sorted((cosine for _, cosine in atoms), reverse=True)
    with pytest.raises(SmicnbError, match="found no words"):
        explorer.ask("  ", setting)


def test_own_photographs_are_coded_with_this_dictionary(explorer, setting, folder, view):
    before = set(explorer.images)
    view.path.value = f"  {folder} "
    view.open.click()
    own = [label for label in explorer.images if label not in before]
    assert len(own) == 2
    assert all(label.startswith("own · ") for label in own)
    assert "2 of the folder&#x27;s 2 photographs can be chosen; left out: " in view.opened.value
    assert view.image.value == own[0]
    view.image.value = next(label for label in own if "sea" in label)
    latents = explorer.space.encoder.encode_images([explorer.images[view.image.value].item.image()])
    decoded = codec_of(explorer, view.setting).reconstruct(latents)
    answer = explorer.answer(view.setting, view.image.value)
    assert latent_cosine(decoded, answer.latent[None])[0] > 0.999
    page = view.page()
    assert "&lt;b&gt;sea &amp; land" in page + view.pictures.value
    assert "<b>sea" not in page + view.pictures.value
    assert shlex.quote(str(folder)) in explore_recipe.commands(explorer, view.setting)
    view.open.click()  # the same folder again: its photographs are there once
    assert [label for label in explorer.images if label not in before] == own
    for label in own:
        del explorer.images[label]


def test_a_file_of_ones_own_answers_to_words(explorer, view, own_file):
    view.file.value, view.originals.value = f" {own_file} ", str(own_file.with_suffix(""))
    view.search.click()
    assert "6 photographs of lite0-minilm; type words above" in view.searched.value
    assert not any(card.value for card in view.hits)
    view.text.value = "a building +sky"
    with SemanticIndex.open(own_file) as index:
        (hits,) = index.search(["a building +sky"], 6)
    for hit, card in zip(hits, view.hits, strict=True):
        assert escape(hit.name) in card.value
        assert f"<b>{hit.score:.2f}</b>".replace("<b>-", "<b>\N{MINUS SIGN}") in card.value
        assert "data:image/jpeg" in card.value
        assert "<i>" not in card.value
    view.originals.value = str(own_file.parent)  # where none of them is
    view.search.click()
    assert "6 photographs of lite0-minilm; the original is not in the folder" in view.searched.value
    assert not any("data:image/jpeg" in card.value for card in view.hits)


@pytest.mark.parametrize("kind", ["missing.smic", "notes.smic", "nothing", "no folder"])
def test_a_wrong_file_is_one_line_and_leaves_none(view, own_file, tmp_path, kind):
    view.file.value = str(own_file)
    view.text.value = "a building"
    view.search.click()
    assert all(card.value for card in view.hits)
    (tmp_path / "notes.smic").write_text("no such file")
    view.file.value = {"nothing": " ", "no folder": str(own_file)}.get(kind, str(tmp_path / kind))
    view.originals.value = str(tmp_path / "missing") if kind == "no folder" else ""
    view.search.click()
    assert view.searched.value.count('class="error" role="alert"') == 1
    assert "Traceback" not in view.searched.value
    assert not any(card.value for card in view.hits)
    told = view.searched.value
    view.text.value = "a tree"  # is answered by images and atoms alone
    assert view.searched.value == told
    assert not any(card.value for card in view.hits)


def test_a_file_that_is_taken_away_is_told_of(view, own_file, tmp_path):
    copy = tmp_path / "copy.smic"
    copy.write_bytes(own_file.read_bytes())
    view.file.value, view.text.value = str(copy), "a building"
    view.search.click()
    copy.unlink()
    view.text.value = "a tree"
    assert "cannot read" in view.searched.value
    assert not any(card.value for card in view.hits)


@pytest.mark.parametrize("kind", ["missing", "empty", "file", "nothing", "without images"])
def test_a_wrong_folder_is_one_line(explorer, view, tmp_path, kind):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "without images").mkdir()
    (tmp_path / "without images" / "a.png").write_bytes(b"none")
    before, image = dict(explorer.images), view.image.value
    view.path.value = "" if kind == "nothing" else str(tmp_path / kind)
    view.open.click()
    assert 'class="error" role="alert"' in view.opened.value
    assert "Traceback" not in view.opened.value
    assert re.search("cannot be read as a folder|no usable image|found no path", view.opened.value)
    assert explorer.images == before
    assert view.image.value == image


def test_a_recipe_of_the_setting_can_be_run(explorer, setting, folder, tmp_path):
    path = tmp_path / "explored.yaml"
    path.write_text(explore_recipe.recipe(explorer, setting))
    assert yaml.safe_load(path.read_text())["parameters"] == explorer.names
    recipe = recipes.recipe(path)
    expected = {"n_atoms": [16], "b_dict": [4], "b_coef": [4], "penalties": [0.2], "seed": 1, "learning_penalty": 0.5}
    run, compress = map(shlex.split, explore_recipe.commands(explorer, setting).strip().splitlines())
    assert run[:2] == ["smicnb", "run"]
    names = [run[2]]
    settings = dict(recipes.assignment(part) for part in run[4::2])
    by_recipe = recipes.parameters(recipe, names, {})[names[0]]
    by_command = recipes.parameters(recipes.Recipe("", "", {}, {names[0]: {}}), names, settings)[names[0]]
    assert by_recipe == by_command
    assert {name: by_recipe[name] for name in expected} == expected
    compress[2:4] = [str(folder), str(tmp_path / "photos.smic")]
    done = CliRunner().invoke(app, compress[1:])
    assert done.exit_code == 0, done.output
    with SmicReader(tmp_path / "photos.smic") as opened:
        header = opened.header
    assert (header.n_atoms, header.penalty, header.b_dict, header.b_coef) == (2, 0.2, 4, 4)  # of two images


def slides(view):
    for slider in view.sliders.values():
        for value in [option[1] if isinstance(option, tuple) else option for option in slider.options][::-1]:
            yield lambda slider=slider, value=value: setattr(slider, "value", value)


def chooses_images(view):
    for image in view.image.options[7:100:9]:
        yield lambda image=image: setattr(view.image, "value", image)


def switches_off(view):
    view.move_to(Setting(16, 0.2, 4, 4, 1000))
    for check in view.checks:
        if check.layout.display != "none":
            yield lambda check=check: setattr(check, "value", False)


def adds(view):
    view.move_to(Setting(16, 0.2, 4, 4, 1000))
    for atom in range(16):
        view.atom.value = atom
        yield view.add.click


@pytest.mark.parametrize("act", [slides, chooses_images, switches_off, adds])
def test_every_kind_of_action_is_answered_at_once(view, act):
    seconds = [taken(action) for action in act(view)]
    assert len(seconds) > 5
    assert np.median(seconds) < FAST


def test_words_are_answered_soon(view):
    seconds = [taken(lambda text=text: setattr(view.text, "value", text)) for text in ("a castle", "flower", "a sea")]
    assert np.median(seconds) < SOON
    asked = taken(lambda: setattr(view.sliders["n_atoms"], "value", 2))  # what words find among the atoms follows
    assert asked < SOON
    assert "atom" in view.found["atoms"][0][0].value


def taken(action):
    """Seconds until the widgets show what the explorer answers."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_sliders_move_number_plot_and_picture(view, explorer):
    view.move_to(Setting(16, 0.2, 4, 4, 1000))
    shown = [view.numbers.value, view.plot.value, view.components.value, view.pictures.value, view.recipe.value]
    view.sliders["n_atoms"].value = 2
    now = [view.numbers.value, view.plot.value, view.components.value, view.pictures.value, view.recipe.value]
    assert all(old != new for old, new in zip(shown, now, strict=True))
    cost = explorer.cost(view.setting)
    assert f">{cost.bits['train']:.1f}<" in view.numbers.value
    assert f"{cost.cosine['heldout']:.3f}" in view.plot.value
    assert len(view.atom.options) == 2
    background = pages.background(explorer, 1000)
    left, right = (background.place(bits, 0.5)[0] for bits in background.bits)
    assert (left, right) == pytest.approx((background.left, background.right))
    assert background.place(100, background.cosine[1])[1] == pytest.approx(background.top)


@pytest.mark.parametrize(
    ("weight", "largest", "side", "width"),
    [(2, 4, "left", "25.0"), (-1, 4, "right", "12.5"), (9, 4, "left", "50.0"), (0.5, 0, "left", "25.0")],
)
def test_a_bar_is_as_long_as_its_weight_beside_the_largest(explorer, setting, weight, largest, side, width):
    atom = explorer.books.find(setting.point).atoms[0]
    page = pages.weight(explorer, explore.Part(0, "words", weight, weight, False), largest, atom)
    assert f"{side}:50%;width:{width}%" in page


def test_a_switched_off_atom_stays_to_be_switched_on(view):
    view.move_to(Setting(16, 0.2, 4, 4, 1000))
    before, label = view.pictures.value, view.checks[0].description
    view.checks[0].value = False
    assert view.checks[0].description == label
    assert "taken out" in view.bars[0].value
    assert "changed by hand" in view.pictures.value
    view.checks[0].value = True
    assert (view.pictures.value, view.by_hand) == (before, {})
    view.text.value = "flower"
    view.found["atoms"][0][1].click()
    added = view.atom.value
    assert view.by_hand == {added: 8.0}
    view.weight.value = 3.0
    assert view.by_hand == {added: 3.0}
    view.reset.click()
    assert (view.pictures.value, view.by_hand) == (before, {})
    view.found["images"][1][1].click()
    assert view.image.value == view.targets["images"][1]


def test_without_a_front_end_it_is_a_page(view):
    page = view.page()
    assert page.count("<img") >= 3
    assert "smx-static" in page
    assert "retrieved from" in page
    assert "not a new picture" in page
    assert pages.LIVE not in page
    assert pages.LIVE in view.widget.children[0].value


class Painter:
    """One colour for a latent."""

    name, dim, verb, what, fingerprint = "painter", 384, "painted", "a plain colour", {}

    def __init__(self):
        self.painted = 0

    def generate(self, latents, seeds):
        self.painted += len(latents)
        return [
            np.full((64, 80, 3), 40 * seed + latent.argmax() % 40, np.uint8)
            for latent, seed in zip(latents, seeds, strict=True)
        ]


def test_another_generator_paints_once(explorer, setting, fresh_cache):
    painter = Painter()
    space = SemanticSpace(explorer.space.encoder, painter)
    latent = explorer.answer(setting, next(iter(explorer.images))).latent
    first, again, other = (Pictures(space, seed).picture_of(latent) for seed in (1, 1, 2))
    assert not Pictures(space, 1).instant
    assert painter.painted == 2
    assert again.jpeg == first.jpeg != other.jpeg
    assert (again.latent == first.latent).all()
