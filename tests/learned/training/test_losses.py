"""The loss: its terms by hand, the switches between paper and code, and independence of the batch."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from smicnb.learned.files import checkpoints, shipped
from smicnb.learned.networks.taco import Reconstruction
from smicnb.learned.training import curves
from smicnb.learned.training.losses import CODE_LOGIT_SCALE, LossWeights, TacoLoss, contrast_of_guessing
from smicnb.semantics.encoders.encoders import encoder
from smicnb.semantics.metrics.pairs import lpips_network


@pytest.fixture(scope="module")
def batch():
    torch.manual_seed(0)
    pixels = torch.rand(3, 3, 64, 64)
    made = Reconstruction((pixels + 0.1 * torch.randn_like(pixels)).clamp(0, 1), torch.tensor([4096.0, 8192, 12288]))
    texts = torch.from_numpy(encoder("lite0-minilm").encode_text(["a cat", "a house", "a tree"]))
    return made, pixels, texts


def loss(**weights):
    return TacoLoss(LossWeights(**weights), lpips_network("alex"), encoder("lite0-minilm"), 64)


def test_rate_and_distortion_in_their_units(batch):
    made, pixels, _ = batch
    terms = loss(distortion=0.5, lpips=0, joint=0)(made, pixels, None)
    assert terms.keys() == {"bpp", "mse", "loss"}
    assert terms["bpp"].item() == 2  # 8192 bits on average over 64² pixels
    squares = (255 * made.pixels - 255 * pixels).square()
    assert terms["mse"].item() == pytest.approx(squares.mean().item(), rel=1e-5)
    assert terms["loss"].item() == pytest.approx(2 + 0.5 * terms["mse"].item())


def test_the_papers_weights_are_the_default():
    weights = LossWeights(distortion=4e-4)
    assert (weights.lpips, weights.joint, weights.beta) == (3.5, 0.0025, 40)
    assert (weights.lpips_range, weights.logit_scale, weights.distance) == ("[-1, 1]", "clip", "mean")


def test_lpips_is_the_metric_and_the_codes_range_is_another(batch):
    from smicnb.semantics.metrics.pairs import lpips

    made, pixels, _ = batch

    def images(some):
        return [(255 * each).round().byte().permute(1, 2, 0).numpy() for each in some]

    exact = Reconstruction(torch.round(made.pixels * 255) / 255, made.bits), torch.round(pixels * 255) / 255
    paper = loss(distortion=1, joint=0)(*exact, None)["lpips"].item()
    assert paper == pytest.approx(lpips(images(pixels), images(made.pixels)).mean(), rel=1e-3)
    assert loss(distortion=1, joint=0, lpips_range="[0, 1]")(*exact, None)["lpips"].item() != pytest.approx(paper)


def test_the_joint_loss_by_hand(batch):
    made, pixels, texts = batch
    terms = loss(distortion=1, lpips=0)(made, pixels, texts)
    with torch.no_grad():
        aimed, reached = (
            functional.normalize(encoder("lite0-minilm").image_latents(each, 64), dim=1)
            for each in (pixels, made.pixels)
        )
    unit = functional.normalize(texts, dim=1)
    cosines = [[100 * float(text @ image) for image in reached] for text in unit]
    rows = [math.log(sum(map(math.exp, row))) - row[number] for number, row in enumerate(cosines)]
    columns = [math.log(sum(math.exp(row[number]) for row in cosines)) - cosines[number][number] for number in range(3)]
    assert terms["contrast"].item() == pytest.approx((sum(rows) + sum(columns)) / 6, rel=1e-4)
    distances = (reached - aimed).norm(dim=1)
    assert terms["distance"].item() == pytest.approx(distances.mean().item(), rel=1e-4)
    assert terms["loss"].item() == pytest.approx(
        (terms["bpp"] + terms["mse"] + 0.0025 * (terms["contrast"] + 40 * terms["distance"])).item()
    )
    code = loss(distortion=1, lpips=0, logit_scale="code", distance="batch")(made, pixels, texts)
    assert code["distance"].item() == pytest.approx(distances.square().sum().sqrt().item(), rel=1e-4)
    softer = CODE_LOGIT_SCALE / 100
    rows = [
        math.log(sum(math.exp(softer * one) for one in row)) - softer * row[number]
        for number, row in enumerate(cosines)
    ]
    assert code["contrast"].item() < terms["contrast"].item() or sum(rows) > 0


def test_guessing_is_the_contrast_of_texts_that_fit_all_images_alike(batch):
    made, pixels, _ = batch
    alike = torch.ones(3, 384)
    same = Reconstruction(made.pixels[:1].repeat(3, 1, 1, 1), made.bits)
    terms = loss(distortion=1, lpips=0)(same, pixels, alike)
    assert terms["contrast"].item() == pytest.approx(contrast_of_guessing(3), rel=1e-4)


def test_what_trainings_log_stands_beside_guessing():
    models = [checkpoints.load(shipped.model_path(name)) for name in ("full/high/0", "without-joint-loss/high/0")]
    (row,) = curves.contrast_table(models).to_dict("records")
    assert (row["model"], row["logit_scale"], row["batch"]) == ("full/high/0", "clip", 8)
    assert row["guessing"] == pytest.approx(math.log(8))
    assert row["above"] == pytest.approx(row["contrast"] - math.log(8))
    assert row["contrast"] == models[0].facts["validation"]["contrast"]


def test_all_but_the_contrast_are_means_over_the_batch(batch):
    made, pixels, texts = batch
    twice = Reconstruction(made.pixels.repeat(2, 1, 1, 1), made.bits.repeat(2))
    once = loss(distortion=1)(made, pixels, texts)
    again = loss(distortion=1)(twice, pixels.repeat(2, 1, 1, 1), texts.repeat(2, 1))
    for term in ("bpp", "mse", "lpips", "distance"):
        assert again[term].item() == pytest.approx(once[term].item(), rel=1e-4)


def test_every_term_pulls_at_the_pixels(batch):
    made, pixels, texts = batch
    for weights in ({"lpips": 0, "joint": 0}, {"joint": 0}, {"lpips": 0}):
        free = made.pixels.clone().requires_grad_()
        loss(distortion=1e-9, **weights)(Reconstruction(free, made.bits), pixels, texts)["loss"].backward()
        assert free.grad.abs().max() > 0


@pytest.mark.parametrize("wrong", [{}, {"distortion": -1}, {"distortion": 1, "lambda": 2}])
def test_wrong_weights(wrong):
    with pytest.raises(ValidationError):
        LossWeights(**wrong)
