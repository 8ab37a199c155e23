"""What docs/protocol.md says of the settings for stills is what their table says, and the table is of what is used."""

import pandas as pd
import pytest

from smicnb.compare.images.still_video import StillVideo
from tests.helpers.claims import Page

CI = "{:.1f} [{:.1f}, {:.1f}]"


@pytest.fixture(scope="module")
def table(repository):
    """BD-rates with their intervals, by setting and metric."""
    return pd.read_csv(repository / "docs" / "still_settings.csv").set_index(["setting", "metric"])


def test_the_protocol_says_what_the_table_of_settings_says(repository, table):
    page = Page.of(repository / "docs" / "protocol.md")

    def of(setting, metric):
        row = table.loc[setting, metric]
        return row["mean"], row["low"], row["high"]

    page.says("chosen on {} photographs of BSDS500's training split", table["images"].unique().item())
    iq, svt = "allintra, tune=iq", "preset 2, avif=1, tune=3"
    page.says(f"takes {CI} % for equal MS-SSIM, {CI} % for", *of(iq, "ms_ssim"), *of(iq, "image_cosine"))
    page.says(f"image cosine, and {CI} % more for equal PSNR", *of(iq, "psnr"))
    three = (*of(svt, "ms_ssim"), *of(svt, "image_cosine"), *of(svt, "psnr"))
    page.says(f"with {CI}, {CI} and {CI} %. In equal LPIPS", *three)
    page.says(f"libaom's {CI} % are undecided, SVT-AV1's {CI} % are not", *of(iq, "lpips"), *of(svt, "lpips"))
    lowest = table.loc[[iq, svt]]
    assert (lowest["lowest_bpp"] > lowest["lowest_bpp_against"]).all()
    page.says(f"takes {CI} % against medium for equal PSNR, and nothing decided", *of("slow", "psnr"))
    rest = table.loc["slow"].drop("psnr")
    assert (rest["low"] < 0).all()
    assert (rest["high"] > 0).all()
    page.says("slower takes {:.1f} times the seconds of medium", table.loc[("slower", "psnr"), "times_seconds"])
    page.says(f"no fewer bits: {CI} % for equal PSNR, {CI} %", *of("slower", "psnr"), *of("slower", "ms_ssim"))
    eye = "slow, QPA on"
    page.says(f"takes {CI} % more than medium for equal PSNR and {CI} %", *of(eye, "psnr"), *of(eye, "lpips"))
    high, low = "jpegli, qualities 50 to 90", "jpegli, qualities 1 to 50"
    page.says(f"needs {CI} % of libjpeg-turbo's bits", *of(high, "psnr"))
    page.says(f"on, and {CI} % more below", *of(low, "psnr"))
    assert (table.loc[[(high, "lpips"), (low, "lpips")], "low"] > 0).all()


def test_what_codes_is_among_what_was_measured(load_tool):
    """Its arguments in any order, at a quantiser that all were measured at."""
    tool, found = load_tool("measure_still_settings"), {}
    for key, family in {"vvc": "VVenC intra", "av1-aom": "AV1 (libaom)", "av1-svt": "AV1 (SVT-AV1)"}.items():
        used = how_it_codes(StillVideo(key, 51))
        codecs = [codec for setting, make in tool.FAMILIES[family].items() for codec in make(setting)]
        found[key] = [codec.name for codec in codecs if how_it_codes(codec) == used]
    assert found == {"vvc": ["slow"], "av1-aom": ["allintra, tune=iq"], "av1-svt": ["preset 2, avif=1, tune=3"]}


def how_it_codes(codec):
    """The arguments' words, and the pixels."""
    return sorted(codec.fingerprint["arguments"].split()), codec.fingerprint["pixels"]
