"""Where tensors are computed, and in which precision."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """The first CUDA device, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_quick_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the hardware; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # AVX-512 has instructions for it too, with which matrices took twice the time of float32: `python -m benchmarks text-speed`.
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def has_quick_int8(device: torch.device) -> bool:
    """Whether the device is a processor that multiplies numbers of eight bits several times as quickly as float32."""
    capabilities = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(capabilities.get(name) for name in ("amx_int8", "avx512_vnni", "avx_vnni"))


def quick_dtype(device: torch.device) -> torch.dtype:
    """What the weights of a whole network are kept in: bfloat16 where that is quicker."""
    return torch.bfloat16 if has_quick_bf16(device) else torch.float32


def mixed_precision(device: torch.device) -> torch.autocast:
    """Convolutions and matrices in bfloat16 where that is quicker, everything else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_quick_bf16(device))
