"""Linear layers in whole numbers of eight bits: a network of them is several times quicker on processors that multiply such numbers.

Every row of weights and every token has a scale of its own, so what an utterance is read as does not depend on those beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: What consists of nothing but zeros has any scale.
_SMALLEST = 1e-12


class EightBitLinear(nn.Module):
    """What a linear layer does, [..., inputs] to [..., outputs], rounded: weights int8 [inputs, outputs], everything else float32."""

    weight: Tensor
    scale: Tensor
    sums: Tensor
    bias: Tensor

    def __init__(self, exact: nn.Linear) -> None:
        super().__init__()
        weight = exact.weight.detach().float()
        scale = weight.abs().amax(1, keepdim=True).clamp_(min=_SMALLEST) / 127
        rounded = (weight / scale).round()
        self.register_buffer("weight", rounded.to(torch.int8).t())
        self.register_buffer("scale", scale.squeeze(1))
        self.register_buffer("sums", rounded.sum(1))
        self.register_buffer("bias", exact.bias.detach().float() if exact.bias is not None else torch.zeros(len(weight)))

    def forward(self, given: Tensor) -> Tensor:
        """Round what is given, token by token, and multiply."""
        tokens = given.reshape(-1, given.shape[-1])
        # The range is not the same on both sides: after an activation nearly all of it is above zero.
        low, high = tokens.amin(1, keepdim=True).clamp_(max=0), tokens.amax(1, keepdim=True).clamp_(min=0)
        scale = ((high - low) / 255).clamp_(min=_SMALLEST)
        zero = (-128 - low / scale).round_()
        rounded = (tokens * scale.reciprocal()).round_().add_(zero).clamp_(-128, 127).to(torch.int8)
        products = torch._int_mm(rounded, self.weight).float()
        # In place: what is given is small beside what would be written and read again.
        exact = products.addcmul_(zero, self.sums, value=-1).mul_(scale).mul_(self.scale).add_(self.bias)
        return exact.view(*given.shape[:-1], -1)


def into_eight_bits(network: nn.Module) -> None:
    """Put an EightBitLinear in the place of the wide layers of an encoder, those that follow its attention: two thirds of its work.

    The square ones, of the attention itself, stay exact: rounding them moved answers as much as all the others do.
    """
    for name, part in network.named_children():
        if isinstance(part, nn.Linear) and part.in_features != part.out_features:
            setattr(network, name, EightBitLinear(part))
        else:
            into_eight_bits(part)
