"""Linear layers in whole numbers of eight bits: a network of them is several times quicker on processors that multiply such numbers.

Every row of weights and every token has a scale of its own, so what an utterance is read as does not depend on those beside it. A few
inputs of an encoder are many times as loud as the others, which would leave those little of a scale: loud inputs are made quieter and
their weights larger before both are rounded (Xiao et al., SmoothQuant, 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

#: What consists of nothing but zeros has any scale.
_SMALLEST = 1e-12
#: An input that is quieter than this share of the loudest is taken for as loud: a few texts may have left it silent by chance.
_QUIETEST = 1e-3


class EightBitLinear(nn.Module):
    """What a linear layer does, [..., inputs] to [..., outputs], rounded: weights int8 [inputs, outputs], everything else float32.

    `peaks` [inputs] is how loud each input becomes. What is louder than that is not cut off: it only is no reason for the choice of scales.
    """

    weight: Tensor
    quieter: Tensor
    scale: Tensor
    sums: Tensor
    bias: Tensor

    def __init__(self, exact: nn.Linear, peaks: Tensor) -> None:
        super().__init__()
        weight = exact.weight.detach().float()
        louder = (_at_least_a_little(peaks.float()) / _at_least_a_little(weight.abs().amax(0))).sqrt()
        weight = weight * louder
        scale = weight.abs().amax(1, keepdim=True).clamp_(min=_SMALLEST) / 127
        rounded = (weight / scale).round()
        self.register_buffer("weight", rounded.to(torch.int8).t())
        self.register_buffer("quieter", louder.reciprocal())
        self.register_buffer("scale", scale.squeeze(1))
        self.register_buffer("sums", rounded.sum(1))
        self.register_buffer("bias", exact.bias.detach().float() if exact.bias is not None else torch.zeros(len(weight)))

    def forward(self, given: Tensor) -> Tensor:
        """Round what is given, token by token, and multiply."""
        tokens = given.reshape(-1, given.shape[-1]) * self.quieter
        # The range is not the same on both sides: after an activation nearly all of it is above zero.
        low, high = tokens.amin(1, keepdim=True).clamp_(max=0), tokens.amax(1, keepdim=True).clamp_(min=0)
        scale = ((high - low) / 255).clamp_(min=_SMALLEST)
        zero = (-128 - low / scale).round_()
        rounded = tokens.mul_(scale.reciprocal()).round_().add_(zero).clamp_(-128, 127).to(torch.int8)
        products = torch._int_mm(rounded, self.weight).float()
        # In place: what is given is small beside what would be written and read again.
        exact = products.addcmul_(zero, self.sums, value=-1).mul_(scale).mul_(self.scale).add_(self.bias)
        return exact.view(*given.shape[:-1], -1)


def _at_least_a_little(loudness: Tensor) -> Tensor:
    return loudness.clamp(min=max(_SMALLEST, _QUIETEST * float(loudness.max())))


def into_eight_bits(encoder: nn.Module, example: Mapping[str, Tensor]) -> None:
    """Put an EightBitLinear in the place of every linear layer that takes part when an encoder reads an example.

    The example, tokens and their mask as the encoder is given them, shows how loud the inputs of each layer become.
    """
    with _listening(encoder) as peaks, torch.inference_mode():
        encoder(**example)
    _replace(encoder, peaks)


@contextmanager
def _listening(network: nn.Module) -> Iterator[dict[nn.Module, Tensor]]:
    """The largest magnitude of every input, [inputs], of each linear layer that is asked for something in the meantime."""
    peaks: dict[nn.Module, Tensor] = {}

    def listen(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        heard = given[0].reshape(-1, given[0].shape[-1]).abs().amax(0)
        peaks[layer] = torch.maximum(peaks.get(layer, heard), heard)

    hooks = [part.register_forward_pre_hook(listen) for part in network.modules() if isinstance(part, nn.Linear)]
    try:
        yield peaks
    finally:
        for hook in hooks:
            hook.remove()


def _replace(network: nn.Module, peaks: Mapping[nn.Module, Tensor]) -> None:
    for name, part in network.named_children():
        if isinstance(part, nn.Linear) and part in peaks:
            setattr(network, name, EightBitLinear(part, peaks[part]))
        else:
            _replace(part, peaks)
