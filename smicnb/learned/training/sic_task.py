"""SIC's part in a training: levels that take turns, several samples, idempotence, warm-up, and the adversary."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from smicnb.learned.networks.blocks import round_straight
from smicnb.learned.networks.sic import Sic
from smicnb.learned.training.photographs import Batch, Photographs
from smicnb.learned.training.plans import Training, learning_rate_at
from smicnb.learned.training.sic_losses import Discriminator, discriminator_loss, generator_loss, spread_of_rates
from smicnb.semantics.metrics.pairs import lpips_network

DECAY = 5e-5  # of AdamW's weights


class SicTask:
    """A training of SIC on parts as in `TacoTask`, whose captions are not looked at."""

    clip = 0.5

    def __init__(self, training: Training, parts: Mapping[str, Photographs], device: str):
        self._run, self._weights, self._config = training.run, training.weights, training.config
        self._lpips = training.weights.weight_of_lpips(training.run.objective)
        self._perceptual = None
        if self._lpips:
            self._perceptual = lpips_network("alex").to(device, memory_format=torch.channels_last)
        self.adversary = None
        if self._run.adversarial:
            self.adversary = Discriminator(self._config, self._run.adversary_width).to(device).train()

    def optimiser(self, weights: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        """AdamW, as in the authors' training."""
        return torch.optim.AdamW(weights, learning_rate, weight_decay=DECAY)

    def learning_rate(self, step: int) -> float:
        """Rising at first, for a transformer that starts at full rate may collapse; then as the milestones say."""
        return learning_rate_at(self._run, step) * min(1, (step + 1) / max(self._run.rise, 1))

    def new_networks(self) -> Sic:
        """Networks with random weights."""
        return Sic(self._config)

    def begin(self, network: Sic, batches: Iterable[Batch]) -> None:
        """Against an adversary g_s alone is trained."""
        if self.adversary is not None:
            network.requires_grad_(False)
            network.g_s.requires_grad_(True)

    def terms(self, network: Sic, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Eq. 12 and its terms: bpp, mse (of pixels in [0, 255]) and lpips are those of the level, a twin's of all;
        without a weight there is no lpips.
        """
        pixels, levels = batch.pixels, self._config.levels
        level = levels // 2 if step is None else levels - step % levels  # the last one first, as the authors have it
        coded = network.latent(pixels)
        whole = network.synthesise(coded.y_hat, *pixels.shape[-2:]).float()
        bpp = coded.bits(levels).mean() / pixels[0, 0].numel()
        if self._run.objective == "rate-distortion":
            terms = {"bpp": bpp, **self._distances(whole[None], pixels)}
            loss = bpp + self._weights.scale * 255**2 * terms["mse"]
            if self._lpips:
                loss = loss + self._lpips * terms["lpips"]
            return terms | {"mse": 255**2 * terms["mse"], "loss": loss}
        made, latents = network.draw_members(coded, level, self._run.samples, pixels.shape[-2:])
        terms = self._distances(made, pixels)
        terms["bpp"] = coded.bits(level).mean() / pixels[0, 0].numel()
        last = self._distances(whole[None], pixels) | {"bpp": bpp}
        alpha = self._weights.alpha
        if self.adversary is not None:
            terms |= self._adversarial_losses(pixels, made, coded.y_hat, level)
            last |= self._adversarial_losses(pixels, whole[None], coded.y_hat, levels)
            terms["adversary"] = alpha * terms["adversary"] + (1 - alpha) * last["adversary"]
        loss = alpha * self._weigh_terms(terms, level) + (1 - alpha) * self._weigh_terms(last, levels)
        if self._run.constraints:
            terms |= self._idempotence(network, made, latents, level)
            loss = loss + terms["synset"] + terms["detail"]
        if step is not None and step < self._run.warm_up:
            loss = loss + spread_of_rates(coded.group_bits.mean(dim=0) / pixels[0, 0].numel(), level, self._weights)
        return terms | {"loss": loss, "mse": 255**2 * terms["mse"]}

    def _distances(self, made: Tensor, pixels: Tensor) -> dict[str, Tensor]:
        """Squared error in [0, 1] and, where it has a weight, LPIPS: means over the samples of Eq. 13."""
        aimed = pixels[None].expand_as(made).flatten(0, 1)
        made = made.flatten(0, 1)
        found = {"mse": functional.mse_loss(made, aimed)}
        if self._perceptual is not None:
            found["lpips"] = self._perceptual(2 * made - 1, 2 * aimed - 1).float().mean()
        return found

    def _weigh_terms(self, terms: dict[str, Tensor], level: int) -> Tensor:
        """Eq. 13; against an adversary LPIPS has its loss beside it (Eq. 16), whatever factor LPIPS itself has."""
        weights = self._weights.weights_at(level, self._config.levels)
        perception = self._lpips * terms["lpips"] if self._lpips else 0
        perception = perception + terms.get("deceived", 0)
        return weights["mse"] * terms["mse"] + weights["lpips"] * perception + weights["bpp"] * terms["bpp"]

    def _idempotence(self, network: Sic, made: Tensor, latents: Tensor, level: int) -> dict[str, Tensor]:
        """Eq. 44 and 45: how far the samples' own latents are from those that they were made of."""
        again = round_straight(network.analyse(made.flatten(0, 1)).float()).unflatten(0, latents.shape[:2])
        apart = (again - latents).square()
        start = self._config.bounds[level]
        detail = apart[:, :, start:].mean() if level < self._config.levels else apart.new_zeros(())
        return {"synset": apart[:, :, :start].mean(), "detail": detail}

    def _adversarial_losses(self, pixels: Tensor, made: Tensor, y_hat: Tensor, level: int) -> dict[str, Tensor]:
        """Eq. 14 and 15 of a level, over its samples (M, n, 3, H, W)."""
        coded = y_hat[:, : self._config.bounds[level]]
        fakes, condition = made.flatten(0, 1), coded.repeat(len(made), 1, 1, 1)
        real = self.adversary(pixels, coded, level)
        apart = discriminator_loss(real, self.adversary(fakes.detach(), condition, level))
        return {"deceived": generator_loss(self.adversary(fakes, condition, level)), "adversary": apart}
