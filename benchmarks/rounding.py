"""How far a trained encoder's answers move when it is rounded: MiniLM as it was published, asked which feeling a text is nearest to.

It is of the family of the `hub` profile's encoders, and no head of ours stands between: the answer to a text is a softmax over the cosines
of its embedding with those of seven sentences, one for each emotion.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from transformers import AutoTokenizer, BertModel

from benchmarks.dialogue_texts import dialogue_texts, sample_texts
from model.eight_bits import into_eight_bits
from model.training.text.network import pretrained_folder
from schemas.analysis import EMOTIONS

_SENTENCES = {
    "anger": "I am so angry, how dare you!",
    "disgust": "That is disgusting, it makes me sick.",
    "fear": "I am scared, please help me.",
    "joy": "I am so happy, this is wonderful!",
    "neutral": "I will be there at nine.",
    "sadness": "I am so sad, I miss him.",
    "surprise": "Oh my God, I did not see that coming!",
}
#: How decided the softmax is; at 20 the surest answers are as sure as a trained head's.
_SHARPNESS = 20.0
_TEXTS = 512
#: An answer is decided when its emotion is this much more probable than the next; between equals any rounding chooses.
_DECIDED = 0.05


def moved() -> dict[str, dict[str, float]]:
    """For each precision, in how many texts the emotion stays what it is in float32, and how far a probability moves."""
    exact = BertModel.from_pretrained(pretrained_folder(), dtype=torch.float32).eval()  # type: ignore[no-untyped-call]
    eight = copy.deepcopy(exact)
    into_eight_bits(eight)
    networks = {"float32": exact, "bfloat16": copy.deepcopy(exact).to(torch.bfloat16), "eight bits": eight}
    answer = _answering()
    answers = {name: answer(network) for name, network in networks.items()}
    return {name: _compared(found, answers["float32"]) for name, found in answers.items()}


def _answering() -> Callable[[Any], torch.Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(pretrained_folder(), local_files_only=True)
    texts = [*(_SENTENCES[name] for name in EMOTIONS), *sample_texts(), *dialogue_texts(_TEXTS)]
    batches = [tokenizer(texts[first : first + 16], padding=True, return_tensors="pt") for first in range(0, len(texts), 16)]

    def answer(network: Any) -> torch.Tensor:
        with torch.inference_mode():
            embedded = torch.cat([_mean(network(**batch).last_hidden_state.float(), batch["attention_mask"]) for batch in batches])
        embedded = torch.nn.functional.normalize(embedded, dim=1)
        return (_SHARPNESS * embedded[len(EMOTIONS) :] @ embedded[: len(EMOTIONS)].T).softmax(1)

    return answer


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _compared(found: torch.Tensor, exact: torch.Tensor) -> dict[str, float]:
    same = (found.argmax(1) == exact.argmax(1)).float()
    first, second = exact.topk(2).values.unbind(1)
    return {
        "same emotion": round(float(same.mean()), 4),
        "same emotion where it is decided": round(float(same[first - second >= _DECIDED].mean()), 4),
        "largest change of a probability": round(float((found - exact).abs().max()), 5),
        "mean change of a probability": round(float((found - exact).abs().mean()), 5),
    }
