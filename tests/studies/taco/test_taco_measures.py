"""What notebook 08 counts and compares."""

import pytest

from smicnb.compare.images.evaluate import METRICS
from smicnb.learned.networks.taco import SIZES
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import measures


def test_parameters_are_those_of_table_3():
    table = measures.parameters(SIZES).set_index("size").loc["full"]
    assert round(table["backbone"] / 1e6, 2) == 36.93
    assert round(table["adapter"] / 1e6, 2) == 1.65
    assert round(table["text_tower"] / 1e6, 2) == 63.17
    assert round(table["total"] / 1e6, 2) == 101.75


def test_operations_of_the_adapter_do_not_depend_on_the_machine():
    table = measures.cost(SIZES).set_index(["size", "pixels"])
    assert (table["adapter"].between(1, 20)).all()
    # a caption costs the same whatever the image's size
    small, large = (table.loc["full"].loc[f"{h}×{w}"] for h, w in measures.PIXELS.values())
    assert small["text_tower"] * small["without_text"] == pytest.approx(large["text_tower"] * large["without_text"])


def test_only_photographs_that_no_model_has_seen_are_tested():
    embedded = image_collections.load("embedded")
    tested = measures.select_tested(embedded, 100)
    assert {item.split for item in tested} == {"heldout"}
    assert len({item.path for item in tested}) == len(tested) == 7
    for item in tested:
        assert max(item.image().shape) == 100
    assert len({item.content_hash for item in tested} & {item.content_hash for item in embedded}) == 0


def test_another_collection_is_tested_whole(tmp_path):
    from PIL import Image

    for number in range(5):
        Image.new("RGB", (80, 40), (50 * number, 0, 0)).save(tmp_path / f"{number}.png")
    tested = measures.select_tested(image_collections.load(f"folder:{tmp_path}"), 1000)
    assert len(tested) == 5
    assert tested.items[0].image().shape == (40, 80, 3)


def test_every_claim_is_about_a_metric_that_is_measured():
    for claim in measures.CLAIMS:
        assert claim.metric in METRICS
    assert {claim.worse for claim in measures.CLAIMS} == {
        "without-adapter", "without-joint-loss", "tgic", "frozen-base"
    }  # fmt: skip
