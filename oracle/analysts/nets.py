"""The neural networks behind readers: loaded once, exact in what they are asked, never sampling.

Answers leave here as whole millionths, so that what the last bits of a sum do on another machine
does not show. torch and transformers are imported when the first text is read, not before.
"""

import importlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from oracle.analysts import weights

MILLION = 10**6
TOKENS_MAX = 256
PROMPT_TOKENS_MAX = 1_024
# One thread adds numbers up in one order.
THREADS = 1


class SequenceNet:
    """Any sequence classifier: texts, or pairs of texts, to a probability for each label."""

    def __init__(self, place: Path) -> None:
        self._torch, library = _libraries()
        self._tokenizer = library.AutoTokenizer.from_pretrained(place, local_files_only=True)
        loader = library.AutoModelForSequenceClassification
        self._model = loader.from_pretrained(place, local_files_only=True).eval()
        names = self._model.config.id2label
        self.labels = [str(names[n]).lower() for n in range(len(names))]

    def read(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[list[int]]:
        """Return, for each text (with its pair), the probability of each label in millionths."""
        if not texts:
            return []
        words = self._tokenizer(
            list(texts),
            None if pairs is None else list(pairs),
            padding=True,
            truncation=True,
            max_length=min(TOKENS_MAX, _positions(self._model)),
            return_tensors="pt",
        )
        with self._torch.inference_mode():
            logits = self._model(
                input_ids=words["input_ids"], attention_mask=words["attention_mask"]
            ).logits
        shares = self._torch.softmax(logits.double(), dim=-1)
        return [[round(value * MILLION) for value in row] for row in shares.tolist()]


class ScoringNet:
    """A text model, encoder-decoder or decoder alone, that is asked how likely given answers are.

    It never writes: whatever a text asks for, the answer is one of those that were offered.
    """

    def __init__(self, place: Path) -> None:
        self._torch, library = _libraries()
        self._tokenizer = library.AutoTokenizer.from_pretrained(place, local_files_only=True)
        config = library.AutoConfig.from_pretrained(place, local_files_only=True)
        self._translates = bool(config.is_encoder_decoder)
        loader = library.AutoModelForSeq2SeqLM if self._translates else library.AutoModelForCausalLM
        self._model = loader.from_pretrained(place, local_files_only=True).eval()

    def score(self, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer after the prompt, in millionths."""
        with self._torch.inference_mode():
            ask = self._after_encoder if self._translates else self._after_prompt
            return [round(value * MILLION) for value in ask(prompt, answers)]

    def _after_encoder(self, prompt: str, answers: Sequence[str]) -> list[float]:
        words = self._tokenizer(
            prompt, truncation=True, max_length=PROMPT_TOKENS_MAX, return_tensors="pt"
        )
        read = self._model.get_encoder()(
            input_ids=words["input_ids"], attention_mask=words["attention_mask"]
        )
        found = []
        for answer in answers:
            target = self._tokenizer(answer, return_tensors="pt")["input_ids"]
            logits = self._model(
                encoder_outputs=read, attention_mask=words["attention_mask"], labels=target
            ).logits
            found.append(self._sum(logits[0], target[0]))
        return found

    def _after_prompt(self, prompt: str, answers: Sequence[str]) -> list[float]:
        asked = self._tokens(self._framed(prompt))[-PROMPT_TOKENS_MAX:]
        found = []
        for answer in answers:
            said = self._tokens(answer)
            logits = self._model(input_ids=self._torch.tensor([asked + said])).logits[0]
            target = self._torch.tensor(said)
            found.append(self._sum(logits[len(asked) - 1 : -1], target))
        return found

    def _framed(self, prompt: str) -> str:
        """Return the prompt as a model that was taught to converse expects it."""
        if not getattr(self._tokenizer, "chat_template", None):
            return prompt
        said = [{"role": "user", "content": prompt}]
        framed = self._tokenizer.apply_chat_template(
            said, tokenize=False, add_generation_prompt=True
        )
        return str(framed)

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def _sum(self, logits: Any, target: Any) -> float:
        chances = self._torch.log_softmax(logits.double(), dim=-1)
        return float(chances.gather(1, target.unsqueeze(1)).sum())


def sequence(name: str) -> SequenceNet:
    """Return the classifier of a model's files, loaded once and again when they change."""
    return _sequence(weights.folder(name), weights.stamp(name))


def scoring(name: str) -> ScoringNet:
    """Return the text model of a model's files, loaded once and again when they change."""
    return _scoring(weights.folder(name), weights.stamp(name))


@lru_cache(maxsize=2)
def _sequence(place: Path, _stamp: str) -> SequenceNet:
    return SequenceNet(place)


@lru_cache(maxsize=1)
def _scoring(place: Path, _stamp: str) -> ScoringNet:
    return ScoringNet(place)


def _positions(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", TOKENS_MAX))


@lru_cache(maxsize=1)
def _libraries() -> tuple[Any, Any]:
    torch, library = (importlib.import_module(name) for name in weights.LIBRARIES)
    torch.set_num_threads(THREADS)
    return torch, library
