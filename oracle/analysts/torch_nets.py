"""Networks in torch, exact in what they are asked and never sampling; fp32, or int8 on request.

Answers leave here as whole millionths. torch and transformers are imported when the first network
is loaded, not before.
"""

import importlib
import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from oracle.analysts import passes, runtimes, weights
from oracle.analysts.nets import Pair

MILLION = 10**6
TOKENS_MAX = 256
PROMPT_TOKENS_MAX = 1_024
# One thread adds numbers up in one order.
THREADS = 1


class Tokens:
    """A classifier's tokenizer: pairs of texts to rows of numbers."""

    def __init__(self, place: Path, positions: int) -> None:
        _, library = libraries()
        self._words = library.AutoTokenizer.from_pretrained(place, local_files_only=True)
        self.pad = int(self._words.pad_token_id or 0)
        self.longest = min(TOKENS_MAX, positions)

    def rows(self, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return the tokens of each pair, cut off where the network ends."""
        return [
            list(self._words(text, other, truncation=True, max_length=self.longest)["input_ids"])
            for text, other in pairs
        ]


class SequenceNet:
    """Any sequence classifier: texts, or pairs of texts, to a share for each label."""

    def __init__(self, network: passes.Passes, tokens: Tokens) -> None:
        self.network, self.tokens = network, tokens

    def read(self, pairs: Sequence[Pair]) -> list[list[int]]:
        """Return, for each pair, the share of each label in millionths."""
        rows = self.tokens.rows(pairs)
        found = passes.answers(self.network, rows, pad=self.tokens.pad, longest=self.tokens.longest)
        return [shares(logits) for logits in found]


class TorchPasses:
    """A classifier's passes in torch."""

    def __init__(self, place: Path, runtime: str) -> None:
        self._torch, library = libraries()
        loader = library.AutoModelForSequenceClassification
        model = loader.from_pretrained(place, local_files_only=True).eval()
        self.positions = int(getattr(model.config, "max_position_embeddings", TOKENS_MAX))
        self._model = lighter(model) if runtime == runtimes.TORCH_INT8 else model
        # int8 takes one scale for all rows of a pass, so there a text's company would show.
        self.keeps_rows_apart = runtime == runtimes.TORCH and passes.rows_are_apart(
            self, int(model.config.vocab_size)
        )

    def logits(self, ids: list[list[int]], mask: list[list[int]]) -> list[list[float]]:
        """Return the logits of each row."""
        with self._torch.inference_mode():
            made = self._model(
                input_ids=self._torch.tensor(ids), attention_mask=self._torch.tensor(mask)
            )
        found: list[list[float]] = made.logits.double().tolist()
        return found


class TextNet:
    """A text model, encoder-decoder or decoder alone: asked how likely given answers are.

    Whatever a text asks for, the answer to a question is one of those that were offered. What it
    writes is a sentence to be shown, and decides nothing.
    """

    def __init__(self, place: Path, runtime: str) -> None:
        self._torch, library = libraries()
        self._library = library
        self._tokenizer = library.AutoTokenizer.from_pretrained(place, local_files_only=True)
        config = library.AutoConfig.from_pretrained(place, local_files_only=True)
        self._translates = bool(config.is_encoder_decoder)
        loader = library.AutoModelForSeq2SeqLM if self._translates else library.AutoModelForCausalLM
        model = loader.from_pretrained(place, local_files_only=True).eval()
        self._model = lighter(model) if runtime == runtimes.TORCH_INT8 else model

    def score(self, prompt: str, answers: Sequence[str]) -> list[int]:
        """Return the log-likelihood of each answer after the prompt, in millionths."""
        with self._torch.inference_mode():
            ask = self._after_encoder if self._translates else self._after_prompt
            return [round(value * MILLION) for value in ask(prompt, answers)]

    def write(self, prompt: str, tokens_max: int) -> str:
        """Return what follows the prompt, by the likeliest token each time, without its marks."""
        ids = self._asked(prompt)
        plan = self._library.GenerationConfig(
            max_new_tokens=tokens_max,
            do_sample=False,
            num_beams=1,
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
            decoder_start_token_id=getattr(self._model.config, "decoder_start_token_id", None),
        )
        with self._torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = self._model.generate(
                input_ids=ids, attention_mask=self._torch.ones_like(ids), generation_config=plan
            )[0]
        new = made if self._translates else made[ids.shape[1] :]
        return str(self._tokenizer.decode(new, skip_special_tokens=True))

    def _asked(self, prompt: str) -> Any:
        if self._translates:
            words = self._tokenizer(
                prompt, truncation=True, max_length=PROMPT_TOKENS_MAX, return_tensors="pt"
            )
            return words["input_ids"]
        return self._torch.tensor([self._tokens(self._framed(prompt))[-PROMPT_TOKENS_MAX:]])

    def _after_encoder(self, prompt: str, answers: Sequence[str]) -> list[float]:
        ids = self._asked(prompt)
        mask = self._torch.ones_like(ids)
        read = self._model.get_encoder()(input_ids=ids, attention_mask=mask)
        found = []
        for answer in answers:
            target = self._tokenizer(answer, return_tensors="pt")["input_ids"]
            logits = self._model(encoder_outputs=read, attention_mask=mask, labels=target).logits
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


def shares(logits: Sequence[float]) -> list[int]:
    """Return logits as shares in millionths."""
    best = max(logits)
    powers = [math.exp(one - best) for one in logits]
    return [round(power / sum(powers) * MILLION) for power in powers]


def lighter(model: Any) -> Any:
    """Return the model with the weights of its straight layers in int8."""
    torch, _ = libraries()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


@lru_cache(maxsize=1)
def libraries() -> tuple[Any, Any]:
    """Return torch and transformers, imported at the first call."""
    torch, library = (importlib.import_module(name) for name in weights.LIBRARIES)
    torch.set_num_threads(THREADS)
    return torch, library
