"""The pictures of the dictionary notebooks: what they show, what they say, and that it fits on the page."""

import numpy as np
import pandas as pd
import pytest

from smicnb.drawing import looks, parts, style
from smicnb.semantics.encoders.towers import resize_and_crop
from smicnb.semantics.photographs.words import words as word_list
from smicnb.studies.reconstruction import plots

HAIR = 0.01  # inches that a letter's box may reach beyond the page: no ink does
CAPITALS = 0.7  # of a type's height: nearer than this, letters of two lines touch
LONG = sorted(word_list().words, key=len)[-2:]  # the longest names an atom can get
SUMMARY = [("train", 216, 18), ("heldout", 84, 7)]


pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def picture(height=60, width=90, level=100):
    """An oblong image whose middle differs from its ends, as an untouched one would show."""
    image = np.full((height, width, 3), level, np.uint8)
    image[: height // 8] = image[:, : width // 8] = 255
    return image


def outside(figure) -> float:
    """Inches by which what is drawn reaches beyond the page, 0 where it does not; draws the figure."""
    figure.canvas.draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return max(0, -box.x0, -box.y0, box.x1 - width, box.y1 - height)


def apart(labels, side: int) -> float:
    """The least distance of neighbouring labels along a side (0: x, 1: y), in heights of their type."""
    extents = np.array([label.get_window_extent().extents for label in labels])
    middles = np.sort((extents[:, side] + extents[:, side + 2]) / 2)
    pixels = labels[0].get_fontsize() / 72 * labels[0].get_figure(root=True).dpi
    return float(np.diff(middles).min() / pixels)


def shown(figure):
    """The axes that show an image, as drawn."""
    return [axes for axes in figure.axes if axes.images]


def test_the_page_check_can_fail():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    axes.set_ylabel("a label that is far too long for a figure of two inches")
    assert outside(figure) > 10 * HAIR


# Fig. 6


def learning(rng, scenes=3, atoms=8, photographs=16, views=4):
    names = [f"scene {k}" for k in range(scenes) for _ in range(views)]
    codes = rng.normal(size=(len(names), atoms)) * (rng.uniform(size=(len(names), atoms)) < 0.3)
    codes[0, 0] = 5.0
    words = [LONG[-1]] * atoms
    return codes, plots.learning([picture()] * photographs, codes, names, words)


def codes_panel(figure):
    return next(axes for axes in figure.axes if axes.get_title().startswith("codes"))


def test_learning_shows_photographs_and_the_codes_themselves(rng):
    codes, figure = learning(rng)
    assert outside(figure) <= HAIR
    assert figure.get_figwidth() == style.PAGE
    panel = codes_panel(figure)
    assert panel.get_title() == "codes C of all images (Eq. 7)"
    assert panel.get_xlabel() == "atoms, the most used first, by nearest word"
    (image,) = panel.images
    np.testing.assert_array_equal(image.get_array(), codes)
    assert image.get_clim() == (-5.0, 5.0)  # null is white
    thumbnails = [axes for axes in shown(figure) if axes is not panel]
    assert len(thumbnails) == 16
    assert figure.subfigs[0].get_suptitle() == "photographs of the collection"
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_label() == "<colorbar>"] == ["coefficient"]


def test_thumbnails_are_centre_squares():
    oblong = picture(60, 200)
    figure = plots.reconstructions([oblong], [[picture(200, 60)]], np.array([[0.5]]), [2], ["train"])
    first, second = (np.asarray(axes.images[0].get_array()) for axes in shown(figure))
    assert first.shape == second.shape == (parts.TILE, parts.TILE, 3)
    np.testing.assert_array_equal(first, resize_and_crop(oblong, parts.TILE))
    assert (first[100, :, 0] < 255).all()  # the white left end was cropped off


@pytest.mark.parametrize("scenes", [1, 2, 40])
def test_scenes_are_named_and_parted_while_names_fit(rng, scenes):
    codes, figure = learning(rng, scenes)
    assert outside(figure) <= HAIR
    panel = codes_panel(figure)
    assert [label.get_text() for label in panel.get_yticklabels()] == [f"scene {k}" for k in range(scenes)]
    np.testing.assert_allclose(panel.get_yticks(), 4 * np.arange(scenes) + 1.5)  # the middle of four rows
    (borders,) = panel.collections
    assert [segment[0, 1] for segment in borders.get_segments()] == [4 * k - 0.5 for k in range(1, scenes)]
    np.testing.assert_array_equal(panel.images[0].get_array(), codes)
    assert scenes == 1 or apart(panel.get_yticklabels(), 1) > CAPITALS


def test_too_many_scenes_to_name_go_by_their_strongest_atom(rng):
    codes, figure = learning(rng, 41)
    assert outside(figure) <= HAIR
    panel = codes_panel(figure)
    assert panel.get_ylabel() == "images, ordered by their strongest atom"
    assert len(panel.get_yticks()) == 0
    drawn = np.asarray(panel.images[0].get_array())
    assert (np.diff(np.abs(drawn).argmax(axis=1)) >= 0).all()
    assert not np.array_equal(drawn, codes)
    np.testing.assert_array_equal(drawn[np.lexsort(drawn.T)], codes[np.lexsort(codes.T)])


@pytest.mark.parametrize(("atoms", "named"), [(1, True), (40, True), (41, False), (128, False)])
def test_atoms_are_named_while_names_fit(rng, atoms, named):
    _, figure = learning(rng, atoms=atoms)
    assert outside(figure) <= HAIR
    panel = codes_panel(figure)
    labels = panel.get_xticklabels()
    assert len(labels) == (atoms if named else 0)
    assert ("word" in panel.get_xlabel()) == named
    assert len(labels) < 2 or apart(labels, 0) > CAPITALS


@pytest.mark.parametrize("photographs", [0, 3, 16, 20])
def test_fewer_photographs_leave_no_empty_frames(rng, photographs):
    _, figure = learning(rng, photographs=photographs)
    assert outside(figure) <= HAIR
    grid = figure.subfigs[0].axes
    assert len(grid) == min(photographs, 16)
    assert all(axes.images for axes in grid)


def test_codes_without_any_coefficient_are_drawn():
    figure = plots.learning([picture()], np.zeros((4, 3)), list("aabb"), list("xyz"))
    assert outside(figure) <= HAIR


# Fig. 7


@pytest.mark.parametrize("count", [1, 3, 5, 7, 10])
def test_atoms_by_photograph_and_generated_picture(count):
    nearest = [picture(40, 90, 10 + k) for k in range(count)]
    generated = [picture(90, 40, 110 + k) for k in range(count)]
    share = np.linspace(0.3, 0.01, count)
    words = [["cat", "dog", "cow"], ["sea"], *[["sky", "sun", "bee"]] * 8]
    figure = plots.atoms(nearest, generated, words[:count], share, "retrieved")
    assert outside(figure) <= HAIR
    panels = shown(figure)
    assert len(panels) == len(figure.axes) == 2 * count
    titles = [axes.get_title() for axes in panels if axes.get_title()]
    assert titles == [f"atom {k + 1}" for k in range(count)]
    above = [axes for axes in panels if axes.get_title()]
    below = [axes for axes in panels if axes.get_xlabel()]
    centre = (parts.TILE // 2, parts.TILE // 2, 0)
    assert [axes.images[0].get_array()[centre] for axes in above] == [10 + k for k in range(count)]
    assert [axes.images[0].get_array()[centre] for axes in below] == [110 + k for k in range(count)]
    assert below[0].get_xlabel() == "cat, dog\n30.0 % of Σ|c|"
    assert count == 1 or below[1].get_xlabel() == f"sea\n{100 * share[1]:.1f} % of Σ|c|"
    bands = -(-count // 5)
    assert [axes.get_ylabel() for axes in panels if axes.get_ylabel()] == ["nearest in collection", "retrieved"] * bands


def test_the_longest_names_of_atoms_stay_below_their_own_pictures():
    figure = plots.atoms([picture()] * 5, [picture()] * 5, [LONG] * 5, [0.123] * 5, "generated")
    assert outside(figure) <= HAIR
    labels = [axes.xaxis.label for axes in shown(figure) if axes.get_xlabel()]
    assert labels[0].get_text() == f"{LONG[0]},\n{LONG[1]}\n12.3 % of Σ|c|"
    extents = np.array([label.get_window_extent().extents for label in labels])
    assert (extents[1:, 0] > extents[:-1, 2]).all()


# Fig. 8


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 7), (2, 3), (4, 7)])
def test_reconstructions_by_number_of_atoms(rows, columns):
    n_atoms = [2 ** (k + 1) for k in range(columns)]
    inputs = [picture(level=10 + row) for row in range(rows)]
    generated = [[picture(90, 60, 50 + 10 * row + k) for k in range(columns)] for row in range(rows)]
    cosines = np.arange(rows * columns).reshape(rows, columns) / 100 + 0.004
    splits = ["train", "heldout", "heldout", "heldout", "heldout"][:rows]
    figure = plots.reconstructions(inputs, generated, cosines, n_atoms, splits)
    assert outside(figure) <= HAIR
    grid = np.array(shown(figure)).reshape(rows, columns + 1)
    assert [axes.get_title() for axes in grid[0]] == ["input", *(f"$n_a$ = {count}" for count in n_atoms)]
    assert not any(axes.get_title() for axes in grid[1:].flat)
    for row in range(rows):
        below = [axes.get_xlabel() for axes in grid[row]]
        assert below == ["", *(f"{(row * columns + k) / 100:.2f}" for k in range(columns))]
        assert grid[row, 0].get_ylabel() == parts.SPLITS[splits[row]]
        levels = [axes.images[0].get_array()[96, 96, 0] for axes in grid[row]]
        assert levels == [10 + row, *(50 + 10 * row + k for k in range(columns))]


# Fig. 9


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_a_decomposition_of_any_number_of_atoms(count):
    table = pd.DataFrame(
        {
            "atom": range(count),
            "coefficient": [12.3, -4.56, 1.0, 0.5, -0.25, 0.1][:count],
            "share": [0.1] * count,
            "words": ([LONG[-1], "cat"] * 3)[:count],
        }
    )
    nearest = [picture(level=10 + k) for k in range(count)]
    generated = [picture(level=110 + k) for k in range(count)]
    figure = plots.decomposition(picture(level=5), nearest, generated, table, "retrieved")
    assert outside(figure) <= HAIR
    panels = shown(figure)
    assert len(panels) == len(figure.axes) == 1 + 2 * count
    above, below = panels[: count + 1], panels[count + 1 :]
    expected = ["input  =", "+12.30 ×", "−4.56 ×", "+1.00 ×", "+0.50 ×", "−0.25 ×", "+0.10 ×"]
    assert [axes.get_title() for axes in above] == expected[: count + 1]
    assert [axes.get_xlabel() for axes in below] == list(table["words"])
    assert [axes.images[0].get_array()[96, 96, 0] for axes in above] == [5, *(10 + k for k in range(count))]
    assert [axes.images[0].get_array()[96, 96, 0] for axes in below] == [110 + k for k in range(count)]
    rows = [axes.get_ylabel() for axes in panels if axes.get_ylabel()]
    assert rows == (["nearest in collection", "retrieved"] if count else [])


# Table I's figures


def summary(splits=SUMMARY, sizes=(2, 4, 8, 128), interval=0.03):
    rows = []
    for split, images, scenes in splits:
        for m, metric in enumerate(("latent_cosine", "image_cosine")):
            rows += [(split, "none", 0, metric, 0.95 - m / 20, images, scenes)]
            rows += [
                (split, kind, size, metric, 0.9 - 0.7 / size - k / 20 - m / 20, images, scenes)
                for k, kind in enumerate(("learned", "exemplars", "pca", "debiased"))
                if kind != "debiased" or metric == "latent_cosine"
                for size in sizes
            ]
    table = pd.DataFrame(rows, columns=["split", "kind", "n_atoms", "metric", "mean", "images", "scenes"])
    return table.assign(low=table["mean"] - interval, high=table["mean"] + interval)


@pytest.mark.parametrize("metric", ["latent_cosine", "image_cosine"])
def test_cosines_against_the_number_of_atoms(metric):
    table = summary()
    figure = plots.cosines(table, metric, "cosine (z, ẑ) ↑")
    assert outside(figure) <= HAIR
    assert [axes.get_title() for axes in figure.axes] == [
        "the coded collection: 216 images of 18 scenes",
        "held-out scenes: 84 images of 7 scenes",
    ]
    assert [axes.get_ylabel() for axes in figure.axes] == ["cosine (z, ẑ) ↑", ""]
    limit = ["the generator's limit: latent not coded"] if metric == "image_cosine" else []
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    shown = {kind: look for kind, look in looks.KINDS.items() if kind != "debiased" or not limit}
    assert legend == [look["label"] for look in shown.values()] + limit
    for axes, split in zip(figure.axes, ("train", "heldout"), strict=True):
        here = table[(table["split"] == split) & (table["metric"] == metric)]
        assert axes.get_xlabel() == "number of atoms $n_a$"
        assert axes.get_xscale() == "log"
        assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4", "8", "128"]
        for line, (kind, look) in zip(axes.lines, shown.items(), strict=False):
            np.testing.assert_array_equal(line.get_xydata(), here.loc[here["kind"] == kind, ["n_atoms", "mean"]])
            assert (line.get_color(), line.get_marker()) == (look["color"], look["marker"])
        assert len(axes.collections) == len(shown)  # a band for each kind
        assert len(axes.lines) == len(shown) + len(limit)
        if limit:
            np.testing.assert_allclose(axes.lines[3].get_ydata(), 0.9)


def test_bands_are_the_intervals():
    figure = plots.cosines(summary(), "latent_cosine", "cosine ↑")
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    at_two = corners[np.isclose(corners[:, 0], 2), 1]
    assert (at_two.min(), at_two.max()) == pytest.approx((0.52, 0.58))


def test_the_legend_covers_no_measurement():
    """On curves that rise towards one, as the committed ones do."""
    figure = plots.cosines(summary(), "image_cosine", "cosine ↑")
    figure.canvas.draw()
    axes = figure.axes[-1]
    box = axes.get_legend().get_window_extent()
    points = [axes.transData.transform(line.get_xydata()) for line in axes.lines[:3]]
    assert not box.count_contains(np.concatenate(points))


@pytest.mark.parametrize(
    "table",
    [
        summary([("train", 12, 1)], interval=np.nan),
        summary(sizes=(2,)),
        summary(sizes=(128, 2, 8)),
        summary([("gallery", 12, 2)]),
    ],
    ids=["one scene", "one size", "unordered sizes", "another split"],
)
def test_cosines_of_odd_tables(table):
    figure = plots.cosines(table, "image_cosine", "cosine ↑")
    assert outside(figure) <= HAIR
    assert len(figure.axes) == table["split"].nunique()
    for line in figure.axes[0].lines[:3]:
        sizes = line.get_xdata()
        assert list(sizes) == sorted(set(table["n_atoms"]) - {0})
    assert figure.axes[-1].get_legend() is not None


# What is claimed


def differences(sizes=(2, 8, 128), interval=0.02):
    rows = [
        (against, size, sign * 0.1 - size / 4000)
        for against, sign in (("pca", -1), ("exemplars", 1), ("pca, debiased codes", 0.5))
        for size in sizes
    ]
    table = pd.DataFrame(rows, columns=["against", "n_atoms", "mean"])
    return table.assign(low=table["mean"] - interval, high=table["mean"] + 2 * interval)


def test_differences_with_intervals_and_a_line_at_a_tie():
    figure = plots.paired_differences(differences(), "BSDS500, 100 held-out images")
    assert outside(figure) <= HAIR
    (axes,) = figure.axes
    assert axes.get_title() == "BSDS500, 100 held-out images"
    assert axes.get_xlabel() == "number of atoms $n_a$"
    assert "latent cosine" in axes.get_ylabel()
    assert "> 0: learned ahead" in axes.get_ylabel()
    assert set(axes.lines[0].get_ydata()) == {0}
    (legend,) = figure.legends
    shown = {"exemplars": "minus random photographs", "pca": "minus PCA", "debiased": "debiased, minus PCA"}
    assert [text.get_text() for text in legend.get_texts()] == list(shown.values())
    assert not legend.get_window_extent().overlaps(axes.get_tightbbox())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "8", "128"]
    for container, kind in zip(axes.containers, shown, strict=True):
        cells = differences().set_index("against").loc["pca, debiased codes" if kind == "debiased" else kind]
        points, _, (bars,) = container.lines
        np.testing.assert_allclose(points.get_xydata()[:, 1], cells["mean"])
        assert (points.get_color(), points.get_marker()) == tuple(looks.KINDS[kind][key] for key in ("color", "marker"))
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, cells[["low", "high"]])


@pytest.mark.parametrize(
    "table", [differences(sizes=(8,)), differences(interval=np.nan)], ids=["one size", "one scene"]
)
def test_differences_of_odd_tables(table):
    figure = plots.paired_differences(table, "12 held-out images")
    assert outside(figure) <= HAIR
    assert len(figure.axes[0].containers) == 3
