"""Tiny models of the real architectures, from seeds: the loading code is the real one."""

from pathlib import Path
from typing import Any

import pytest

SPEECH = (
    "output surged plunged orders rose fell this quarter widgets are dearer the a of is rise fall"
    " no change 0 % 5 1 2 10 . answer question news with one story data text implies that"
)


def libraries() -> Any:
    """Return torch and transformers; skip the test, saying so, where they are not installed."""
    reason = "the readers layer (torch and transformers) is not installed"
    torch = pytest.importorskip("torch", reason=reason)
    return torch, pytest.importorskip("transformers", reason=reason)


def _tokenizer(place: Path) -> int:
    _, library = libraries()
    import tokenizers

    vocabulary = {
        word: n
        for n, word in enumerate(["[PAD]", "[UNK]", "[EOS]", *dict.fromkeys(SPEECH.split())])
    }
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.normalizer = tokenizers.normalizers.Lowercase()
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    library.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", eos_token="[EOS]"
    ).save_pretrained(place)
    return len(vocabulary)


def _bytes_tokenizer(place: Path) -> int:
    """Write the alphabet of bytes without a merge: what the decoder's family reads."""
    _, library = libraries()
    import tokenizers

    level = tokenizers.pre_tokenizers.ByteLevel
    signs = ["<|endoftext|>", *sorted(level.alphabet())]
    words = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab={sign: n for n, sign in enumerate(signs)}, merges=[])
    )
    words.pre_tokenizer = level(add_prefix_space=False, use_regex=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    library.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=signs[0], eos_token=signs[0]
    ).save_pretrained(place)
    return len(signs)


def classifier(place: Path, labels: tuple[str, ...] = ("NEGATIVE", "POSITIVE")) -> Any:
    """Write a DistilBERT for sequence classification; return the model."""
    torch, library = libraries()
    torch.manual_seed(1)
    config = library.DistilBertConfig(
        vocab_size=_tokenizer(place),
        dim=16,
        n_layers=2,
        n_heads=2,
        hidden_dim=32,
        max_position_embeddings=64,
        initializer_range=1.0,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )
    model = library.DistilBertForSequenceClassification(config).eval()
    model.save_pretrained(place)
    return model


def translator(place: Path) -> Any:
    """Write a T5, an encoder-decoder; return the model."""
    torch, library = libraries()
    torch.manual_seed(2)
    config = library.T5Config(
        vocab_size=_tokenizer(place),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=0,
        initializer_factor=5.0,
    )
    model = library.T5ForConditionalGeneration(config).eval()
    model.save_pretrained(place)
    return model


def decoder(place: Path) -> Any:
    """Write a Qwen2, a decoder alone; return the model."""
    torch, library = libraries()
    torch.manual_seed(3)
    config = library.Qwen2Config(
        vocab_size=_bytes_tokenizer(place),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=None,
        initializer_range=0.5,
    )
    model = library.Qwen2ForCausalLM(config).eval()
    model.save_pretrained(place)
    return model
