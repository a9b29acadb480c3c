"""Linear layers of eight bits: near what they replace, and the same whatever is read beside."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model import device
from model.eight_bits import EightBitLinear, into_eight_bits


def _exact(inputs: int = 64, outputs: int = 96, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(5)
    return nn.Linear(inputs, outputs, bias=bias)


def _rounded(exact: nn.Linear) -> EightBitLinear:
    return EightBitLinear(exact, torch.ones(64))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 64), (7, 64), (3, 5, 64)])
def test_the_answer_is_that_of_the_layer_it_replaces_to_a_hundredth(shape: tuple[int, ...], bias: bool) -> None:
    exact, given = _exact(bias=bias), torch.randn(shape)

    with torch.inference_mode():
        expected, found = exact(given), _rounded(exact)(given)

    assert found.shape == expected.shape
    assert float((found - expected).norm() / expected.norm()) < 0.015


def test_a_loud_neighbour_changes_nothing() -> None:
    layer, one = _rounded(_exact()), torch.randn(1, 64)

    with torch.inference_mode():
        beside = layer(torch.cat([one, 1000 * torch.randn(4, 64)]))

    assert torch.equal(beside[:1], layer(one))


def test_what_is_all_above_zero_is_rounded_as_finely_as_its_range_allows() -> None:
    exact, given = _exact(), torch.randn(8, 64).relu()

    with torch.inference_mode():
        expected, found = exact(given), _rounded(exact)(given)

    assert float((found - expected).norm() / expected.norm()) < 0.008


def test_an_input_that_is_a_hundred_times_as_loud_as_the_others_leaves_them_their_share() -> None:
    exact, given = _exact(), torch.randn(32, 64)
    given[:, 7] *= 100
    exact.weight.data[:, 7] /= 100

    with torch.inference_mode():
        expected, found = exact(given), EightBitLinear(exact, given.abs().amax(0))(given)

    assert float((found - expected).norm() / expected.norm()) < 0.02  # 0.14 where loud inputs stay as they are


def test_nothing_gives_the_bias() -> None:
    exact = _exact()

    assert torch.equal(_rounded(exact)(torch.zeros(1, 64))[0], exact.bias)


def test_the_linear_layers_that_take_part_are_replaced_and_nothing_else() -> None:
    inner = nn.Sequential(_exact(), nn.LayerNorm(96))
    network = nn.Sequential(nn.Embedding(9, 64), inner, nn.GELU())
    network[0].unused = nn.Linear(4, 4)

    into_eight_bits(network, {"input": torch.tensor([[1, 5]])})

    kinds = [nn.Embedding, nn.Linear, nn.Sequential, EightBitLinear, nn.LayerNorm, nn.GELU]
    assert [type(part) for part in network.modules()][1:] == kinds
    assert inner[0].weight.dtype == torch.int8


@pytest.mark.parametrize(
    ("has", "sixteen", "eight"),
    [
        ((), False, False),
        (("avx512_bf16",), False, False),  # AVX-512 computes bfloat16 more slowly than float32
        (("avx512_vnni", "avx512_bf16"), False, True),
        (("amx_bf16", "amx_int8"), True, True),
    ],
)
def test_a_precision_is_quick_where_the_processor_has_instructions_that_are(
    monkeypatch: pytest.MonkeyPatch, has: tuple[str, ...], sixteen: bool, eight: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(has, True))
    processor = torch.device("cpu")

    assert (device.has_quick_bf16(processor), device.has_quick_int8(processor)) == (sixteen, eight)
    assert not device.has_quick_int8(torch.device("cuda"))
