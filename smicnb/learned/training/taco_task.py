"""TACO's part in a training: its losses with the captions' tokens, branches from a base, and what stays frozen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from smicnb.learned.networks.blocks import Injector
from smicnb.learned.networks.taco import Taco, TacoConfig
from smicnb.learned.training import control
from smicnb.learned.training.losses import TacoLoss
from smicnb.learned.training.photographs import Batch, Photographs
from smicnb.learned.training.plans import Training, learning_rate_at
from smicnb.semantics.encoders import encoders
from smicnb.semantics.metrics.pairs import lpips_network

CALIBRATION = 4  # batches from which a new text module's norms learn what they replace


class TacoTask:
    """A training of TACO on parts: some to train on ("fitted"), and others that tell how it goes ("validated")."""

    clip, adversary = 1.0, None

    def __init__(self, training: Training, parts: Mapping[str, Photographs], device: str):
        self._training, self._device = training, device
        self._control: control.Task | None = training.run.control
        self._encoder = encoders.encoder(training.config.encoder)
        perceptual = lpips_network("alex") if training.weights.lpips else None
        if perceptual is not None:
            perceptual = perceptual.to(device, memory_format=torch.channels_last)
        self._loss = TacoLoss(training.weights, perceptual, self._encoder, training.run.joint_side)
        if self._control:
            told = [control.SENTENCES[part] for part in control.PARTS[self._control]]
            self._texts = dict.fromkeys(parts, self._read(told) if training.config.text != "none" else None)
        else:
            self._texts = {part: self._read(photographs.captions) for part, photographs in parts.items()}

    def optimiser(self, weights: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        """Adam, as in Sec. 4.1."""
        return torch.optim.Adam(weights, learning_rate)

    def learning_rate(self, step: int) -> float:
        """The learning rate that the milestones say."""
        return learning_rate_at(self._training.run, step)

    def new_networks(self) -> Taco:
        """Networks with random weights. Where they are trained from these on, a seed's are the same with text as
        without, but for the text's own.
        """
        config: TacoConfig = self._training.config
        if self._training.start or config.text == "none":
            return Taco(config)
        plain, network = Taco(replace(config, text="none")), Taco(config)
        network.load_state_dict(dict(plain.named_parameters()), strict=False)
        return network

    def begin(self, network: Taco, batches: Iterable[Batch]) -> None:
        """Fit a branch's new layer norms, and freeze what is not to be trained."""
        if self._training.start and self._training.config.text == "adapter":
            self._calibrate(network, list(islice(batches, CALIBRATION)))
        if self._training.run.train == "adapter":
            network.requires_grad_(False)
            for module in network.g_a.adapter():
                module.requires_grad_(True)

    def terms(self, network: Taco, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Eq. 6 and its terms; the step decides nothing."""
        tokens, mask, latents = self.select_texts(batch)
        split = None
        if self._control:
            split = partial(control.split_error, task=self._control, parts=self._draw_parts(batch))
        return self._loss(network(batch.pixels, tokens, mask), batch.pixels, latents, split)

    @torch.no_grad()
    def _calibrate(self, network: Taco, batches: list[Batch]) -> None:
        """Let a new injector's layer norm give back, as well as it can, the features that came before it.

        Eq. 5 puts a norm where the base model had none. Its scale and shift for each channel are fitted by least
        squares, so that a branch starts near its base instead of from features it has never seen.
        """
        seen: dict[Injector, list[Tensor]] = {network.g_a.inject_fine: [], network.g_a.inject_coarse: []}
        for injector, inputs in seen.items():
            hook = injector.register_forward_pre_hook(lambda _, args, kept=inputs: kept.append(args[0].float()))
            for batch in batches:
                tokens, mask, _ = self.select_texts(batch)
                network.g_a(batch.pixels, tokens, mask)
            hook.remove()
            features = torch.cat([each.flatten(2).transpose(1, 2).flatten(0, 1) for each in inputs])
            normed = nn.functional.layer_norm(features, features.shape[1:])
            spread, mean = normed.var(dim=0), normed.mean(dim=0)
            slope = ((normed - mean) * (features - features.mean(dim=0))).mean(dim=0) / spread
            injector.norm_image.weight.copy_(slope)
            injector.norm_image.bias.copy_(features.mean(dim=0) - slope * mean)

    def _read(self, captions: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, their mask and latents of captions, for text does not change."""
        limit = self._training.config.max_tokens
        states, masks = [], []
        with torch.inference_mode():
            for caption in captions:
                tokens, mask = self._encoder.text_tokens([caption])
                states.append(tokens[0, :limit].float().cpu())
                masks.append(mask[0, :limit].cpu())
        tokens = nn.utils.rnn.pad_sequence(states, batch_first=True)
        mask = nn.utils.rnn.pad_sequence(masks, batch_first=True)
        return tokens, mask, torch.from_numpy(self._encoder.encode_text(captions))

    def select_texts(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor] | tuple[None, None, None]:
        """Tokens, their mask and latents of a batch's captions, or of the parts' sentences in a control; a control
        without text has none.
        """
        texts = self._texts[batch.part]
        if texts is None:
            return None, None, None
        numbers = batch.numbers
        if self._control:
            numbers = self._draw_parts(batch)
        return tuple(each[numbers].clone().to(self._device) for each in texts)

    def _draw_parts(self, batch: Batch) -> np.ndarray:
        return control.draw_parts(len(batch.pixels), batch.seed, self._control)
