"""How far a trained encoder's answers move when it is rounded: MiniLM as it was published, asked which feeling a text is nearest to.

It is of the family of the `hub` profile's encoders, and no head of ours stands between: the answer to a text is a softmax over the cosines
of its embedding with those of seven sentences, one for each emotion. What that costs in scores is told by `rounded_scores`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import AutoTokenizer, BertModel

from benchmarks.dialogue_texts import dialogue_texts, sample_texts
from model.eight_bits import into_eight_bits
from model.text_by_checkpoints import EXAMPLES
from model.training.text.network import pretrained_folder
from schemas.analysis import EMOTIONS

EXACT = "float32"
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
_READ_TOGETHER = 16
#: An answer is decided when its emotion is this much more probable than the next; between equals any rounding chooses.
_DECIDED = 0.05

#: Texts to embeddings of length 1, [texts, width].
Embed = Callable[[Sequence[str]], torch.Tensor]


def embedders() -> dict[str, Embed]:
    """The encoder in each precision; `EXACT` is as it was published."""
    exact = BertModel.from_pretrained(pretrained_folder(), dtype=torch.float32).eval()  # type: ignore[no-untyped-call]
    eight = copy.deepcopy(exact)
    tokenizer = AutoTokenizer.from_pretrained(pretrained_folder(), local_files_only=True)
    into_eight_bits(eight, tokenizer(list(EXAMPLES), padding=True, return_tensors="pt"))
    networks = {EXACT: exact, "bfloat16": copy.deepcopy(exact).to(torch.bfloat16), "eight bits": eight}
    return {name: _embedder(network) for name, network in networks.items()}


def moved(embed: Mapping[str, Embed]) -> dict[str, dict[str, float]]:
    """For each precision, in how many texts the emotion stays what it is in float32, and how far a probability moves."""
    answers = {name: _answers(one) for name, one in embed.items()}
    return {name: _compared(found, answers[EXACT]) for name, found in answers.items()}


def _embedder(network: Any) -> Embed:
    tokenizer = AutoTokenizer.from_pretrained(pretrained_folder(), local_files_only=True)

    def embed(texts: Sequence[str]) -> torch.Tensor:
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        found = torch.zeros(len(texts), network.config.hidden_size)
        with torch.inference_mode():
            for first in range(0, len(order), _READ_TOGETHER):
                chosen = order[first : first + _READ_TOGETHER]
                batch = tokenizer([texts[number] for number in chosen], padding=True, return_tensors="pt")
                found[chosen] = _mean(network(**batch).last_hidden_state.float(), batch["attention_mask"])
        return torch.nn.functional.normalize(found, dim=1)

    return embed


def _answers(embed: Embed) -> torch.Tensor:
    texts = [*(_SENTENCES[name] for name in EMOTIONS), *sample_texts(), *dialogue_texts(_TEXTS)]
    embedded = embed(texts)
    return (_SHARPNESS * embedded[len(EMOTIONS) :] @ embedded[: len(EMOTIONS)].T).softmax(1)


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _compared(found: torch.Tensor, exact: torch.Tensor) -> dict[str, float]:
    same = (found.argmax(1) == exact.argmax(1)).float()
    first, second = exact.topk(2).values.unbind(1)
    decided = first - second >= _DECIDED
    return {
        "same emotion, all texts": round(float(same.mean()), 4),
        "same emotion, where float32 is decided": round(float(same[decided].mean()), 4),
        "share of texts where it is decided": round(float(decided.float().mean()), 4),
        "largest change of a probability": round(float((found - exact).abs().max()), 5),
        "mean change of a probability": round(float((found - exact).abs().mean()), 5),
    }
