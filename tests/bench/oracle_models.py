"""Networks of the real ones' architectures and sizes, with weights from a seed."""

from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers as library

# Its constructors have parameters by the hundred; what we give is written out here.
transformers: Any = library

VOCABULARY = 30_522
TEXT_VOCABULARY = 32_128
SYLLABLES = ("ba", "do", "ke", "li", "mu", "na", "po", "ri", "sa", "tu", "ve", "zo")
WORDS = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
KNOWN = ("output", "rise", "fall", "no", "change", "0", "0.5", "1", "2", "5", "10", "%", ".")


def write_classifier(place: Path, *, real_size: bool) -> None:
    """Write a DistilBERT of 67 million parameters with two labels."""
    torch.manual_seed(1)
    small = {} if real_size else {"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 2}
    config = transformers.DistilBertConfig(
        vocab_size=VOCABULARY,
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        label2id={"NEGATIVE": 0, "POSITIVE": 1},
        **small,
    )
    _write(place, transformers.DistilBertForSequenceClassification(config))
    _words(place)


def write_text_model(place: Path, *, real_size: bool) -> None:
    """Write a T5 of 77 million parameters: eight layers and eight, as LaMini-Flan-T5-77M."""
    torch.manual_seed(2)
    size = {"d_model": 512, "d_ff": 1024, "num_layers": 8, "num_heads": 6}
    small = {"d_model": 64, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    config = transformers.T5Config(
        vocab_size=TEXT_VOCABULARY,
        d_kv=64,
        feed_forward_proj="gated-gelu",
        decoder_start_token_id=0,
        **(size if real_size else small),
    )
    config.tie_word_embeddings = False
    _write(place, transformers.T5ForConditionalGeneration(config))
    _words(place)


def _write(place: Path, model: Any) -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model.eval().save_pretrained(place)


def _words(place: Path) -> None:
    """Write a tokenizer that knows each of our words as one token, with two marks around a text."""
    names = ["[PAD]", "[EOS]", "[UNK]", "[CLS]", "[SEP]", *KNOWN, *WORDS]
    vocabulary = {word: n for n, word in enumerate(names)}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", eos_token="[EOS]"
    ).save_pretrained(place)
