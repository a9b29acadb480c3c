"""Linear layers in whole numbers of eight bits: a network of them is several times quicker on processors that multiply such numbers.

Every row of weights and every token has a scale of its own, so what an utterance is read as does not depend on those beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LARGEST = 127.0


class EightBitLinear(nn.Module):
    """What a linear layer does, [..., inputs] to [..., outputs], rounded: weights int8 [outputs, inputs], everything else float32."""

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, exact: nn.Linear) -> None:
        super().__init__()
        weight = exact.weight.detach().float()
        scale = _scale(weight)
        # As the product wants it: [inputs, outputs].
        self.register_buffer("weight", (weight / scale).round().to(torch.int8).t())
        self.register_buffer("scale", scale.squeeze(1))
        self.register_buffer("bias", exact.bias.detach().float() if exact.bias is not None else torch.zeros(len(weight)))

    def forward(self, given: Tensor) -> Tensor:
        """Round what is given, token by token, and multiply."""
        tokens = given.reshape(-1, given.shape[-1])
        scale = _scale(tokens)
        products = torch._int_mm((tokens * scale.reciprocal()).round_().to(torch.int8), self.weight)
        # In place: what is given is small beside what would be written and read again.
        return products.float().mul_(scale).mul_(self.scale).add_(self.bias).view(*given.shape[:-1], -1)


def _scale(rows: Tensor) -> Tensor:
    # A row of nothing but zeros has any scale.
    return rows.abs().amax(1, keepdim=True).clamp_(min=1e-12) / _LARGEST


def into_eight_bits(network: nn.Module) -> None:
    """Put an EightBitLinear in the place of every linear layer below `network`."""
    for name, part in network.named_children():
        if isinstance(part, nn.Linear):
            setattr(network, name, EightBitLinear(part))
        else:
            into_eight_bits(part)
