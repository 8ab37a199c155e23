"""The primer's figures show the numbers that are saved behind them."""

import numpy as np
import pytest

from smicnb.drawing import style
from smicnb.studies.primer import plots
from smicnb.studies.primer import transform_coding as tc


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


pytestmark = pytest.mark.usefixtures("house_style")


def test_a_blocks_data_obeys_the_equations(image):
    data = plots.block_data(image, 40, (1, 2))
    assert len(data) == 64
    np.testing.assert_array_equal(data["quantised"], np.rint(data["coefficient"] / data["step"]))
    np.testing.assert_allclose(data["luma"].iloc[0], tc.to_ycbcr(image)[8, 16, 0])
    plane = np.zeros((8, 8, 1))
    plane[..., 0] = data["decoded_luma"].to_numpy().reshape(8, 8)
    again = tc.transform(plane)[0, 0, 0].ravel()
    np.testing.assert_allclose(again, data["quantised"] * data["step"], atol=1e-9)


def test_the_pipeline_prints_the_blocks_numbers(image):
    data = plots.block_data(image, 40, (1, 2))
    figure = plots.pipeline(image, 40, (1, 2), data)
    assert figure.get_figwidth() == style.PAGE
    panels = figure.axes
    assert len(panels) == 9
    for axes, column in zip(panels[5:], ("luma", "coefficient", "quantised", "decoded_luma"), strict=True):
        printed = [int(text.get_text().replace("−", "-")) for text in axes.texts]
        np.testing.assert_array_equal(printed, np.rint(data[column]).astype(int))
    assert [len(axes.patches) for axes in panels[:5]] == [1, 1, 0, 0, 1]


def test_curves_are_labelled_by_the_kind_of_their_rate(image):
    import pandas as pd

    rows = pd.DataFrame(tc.rate_distortion(image, [30, 60]))
    figure = plots.rate_distortion(rows)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [label.rpartition(": ")[2] for label in labels] == ["entropy estimate"] + 3 * ["bytes of the file"]
    for line, (_, curve) in zip(figure.axes[0].lines, rows.groupby("codec", sort=False), strict=True):
        np.testing.assert_allclose(line.get_xdata(), curve["bits_per_pixel"])
        np.testing.assert_allclose(line.get_ydata(), curve["psnr"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["30", "60"]


def test_samples_stand_side_by_side(image):
    figure = plots.samples({"one": image, "two": image[::-1], "three": image, "four": image})
    assert [axes.get_title() for axes in figure.axes] == ["one", "two", "three", "four"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), image[::-1])
