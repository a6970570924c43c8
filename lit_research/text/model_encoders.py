"""Encoders that are models: any transformers folder, or one of sentence-transformers.

Both load a model once a process, when it is first needed, and run no code from its folder.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.hub import load_named
from lit_research.ranges import COUNT, Range, check_range
from lit_research.storage import content_hash
from lit_research.text.embed import Encoder

Pooling = Literal["mean", "last", "cls"]
Dtype = Literal["float32", "bfloat16", "float16"]

_RIGHT = "give a folder with config.json, *.safetensors and a tokenizer, or a name on the model hub"
_UNUSED = "pooler."  # weights of a layer after the last hidden states


class TransformersEncoder(Encoder):
    """The pooled last hidden states of a transformers model, as vectors of length 1.

    Texts are padded on the right, whatever the tokenizer says, so that no position shifts and the
    last token is the last one of the text. A text without tokens has the vector 0.

    Args:
        folder: a checkpoint folder of transformers, or a name on the model hub.
        pooling: ``mean`` over all tokens with the special ones; ``last`` or ``cls``, the hidden
            state of the last or the first token. The model's own documentation says which.
        prompt: text that is put before every document, such as ``passage:`` and a space.
        max_tokens: texts are cut after so many tokens; None is as many as the model allows.
        batch_size: texts in one forward pass, longest first.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``.
        dtype: of the weights; vectors are float32.

    Raises:
        UserError: another pooling or dtype, or a number out of range. At the first use: the folder
            is missing, damaged, without weights or without a tokenizer.
    """

    def __init__(
        self,
        folder: str,
        pooling: Pooling = "mean",
        prompt: str = "",
        max_tokens: int | None = None,
        batch_size: int = 32,
        device: str = "auto",
        dtype: Dtype = "float32",
    ) -> None:
        where = "in TransformersEncoder"
        check_range(COUNT, where, max_tokens=max_tokens, batch_size=batch_size)
        if pooling not in get_args(Pooling):
            raise UserError(f"pooling is {pooling!r}, {where}; must be mean, last or cls")
        if dtype not in get_args(Dtype):
            raise UserError(
                f"dtype is {dtype!r}, {where}; must be one of {', '.join(get_args(Dtype))}"
            )
        self.folder, self.pooling, self.prompt = folder, pooling, prompt
        self.max_tokens, self.batch_size = max_tokens, batch_size
        self.device, self.dtype = device, dtype

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, ``[N, D]`` float32.

        Raises:
            UserError: as for the class.
        """
        loaded = self._loaded()
        ids = loaded.token_ids([self.prompt + text for text in texts], self._limit(loaded))
        vectors = np.zeros((len(texts), loaded.width), np.float32)
        # Longest first: little padding, and too large a batch fails at once.
        order = sorted((n for n in range(len(ids)) if ids[n]), key=lambda n: -len(ids[n]))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            vectors[rows] = self._pooled(loaded, [ids[row] for row in rows])
        return vectors

    def card(self) -> Mapping[str, Any]:
        """Return the settings, and hashes of the weights and the tokenizer."""
        loaded = self._loaded()
        return {
            "weights": loaded.weights_hash,
            "tokenizer": loaded.tokenizer_hash,
            "pooling": self.pooling,
            "prompt": self.prompt,
            "max_tokens": self._limit(loaded),
            "dtype": self.dtype,
        }

    def _loaded(self) -> _Loaded:
        name = os.path.expanduser(self.folder)
        return _load(name, self.dtype, resolve_device(self.device), _stamp(name))

    def _limit(self, loaded: _Loaded) -> int | None:
        if self.max_tokens is None or loaded.positions is None:
            return self.max_tokens or loaded.positions
        allowed = Range(at_least=1, at_most=loaded.positions)
        where = f"in TransformersEncoder, of {self.folder!r} with {loaded.positions} positions"
        check_range(allowed, where, max_tokens=self.max_tokens)
        return self.max_tokens

    @torch.inference_mode()
    def _pooled(self, loaded: _Loaded, ids: list[list[int]]) -> np.ndarray:
        lengths = torch.tensor([len(row) for row in ids])
        padded = torch.full((len(ids), int(lengths.max())), loaded.pad)
        for number, row in enumerate(ids):
            padded[number, : len(row)] = torch.tensor(row)
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).to(loaded.device)
        padded, lengths = padded.to(loaded.device), lengths.to(loaded.device)
        found = loaded.model(input_ids=padded, attention_mask=mask.long()).last_hidden_state
        pooled = pool(found.float(), mask, self.pooling)
        return nn.functional.normalize(pooled, dim=-1).cpu().numpy()


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return one vector a text, ``[B, D]``, of hidden states ``[B, T, D]`` padded on the right.

    Args:
        hidden: the last hidden states.
        mask: true at tokens, ``[B, T]``; at least one in each text.
        pooling: as for ``TransformersEncoder``.
    """
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    # Not a product with the mask: what stands at padding may be infinite.
    return hidden.masked_fill(~mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True)


class SentenceTransformersEncoder(Encoder):
    """A model of sentence-transformers with its own pooling and prompts; vectors of length 1.

    The package is an extra: ``pip install 'lit_research[encoders]'``.

    Args:
        folder: a folder of sentence-transformers, or a name on the model hub.
        prompt: text that is put before every document; None is the folder's default prompt.
        batch_size: texts in one forward pass.
        device: as for ``TransformersEncoder``.

    Raises:
        UserError: a number out of range. At the first use: the package is not installed, or the
            folder is missing or damaged.
    """

    def __init__(
        self, folder: str, prompt: str | None = None, batch_size: int = 32, device: str = "auto"
    ) -> None:
        check_range(COUNT, "in SentenceTransformersEncoder", batch_size=batch_size)
        self.folder, self.prompt = folder, prompt
        self.batch_size, self.device = batch_size, device

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, ``[N, D]`` float32.

        Raises:
            UserError: as for the class.
        """
        model, _ = self._loaded()
        found = model.encode(
            list(texts),
            prompt=self.prompt,
            batch_size=self.batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found, np.float32).reshape(len(texts), -1)

    def card(self) -> Mapping[str, Any]:
        """Return the settings, the modules, and a hash of the weights and the tokenizer."""
        model, weights_hash = self._loaded()
        default = model.prompts.get(model.default_prompt_name, "")
        return {
            "weights": weights_hash,
            "tokenizer": _tokenizer_hash(model.tokenizer),
            "modules": [str(module) for module in model],
            "prompt": default if self.prompt is None else self.prompt,
            "max_tokens": model.max_seq_length,
        }

    def _loaded(self) -> tuple[Any, str]:
        name = os.path.expanduser(self.folder)
        return _load_sentence_model(name, resolve_device(self.device), _stamp(name))


class _Loaded:
    """A model and its tokenizer, and what is known about them."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self.weights_hash = _weights_hash(model)
        self.tokenizer_hash = _tokenizer_hash(tokenizer)
        self.model = model.eval().to(device)
        self.device = device
        config = model.config.get_text_config()
        self.width: int = config.hidden_size
        limits = (getattr(config, "max_position_embeddings", None), tokenizer.model_max_length)
        # Tokenizers without a limit give a huge number.
        known = [int(limit) for limit in limits if limit is not None and 0 < limit < 1e9]
        self.positions = min(known) if known else None
        self.pad: int = tokenizer.pad_token_id or 0
        self._tokenizer, self._lock = tokenizer, threading.Lock()

    def token_ids(self, texts: list[str], limit: int | None) -> list[list[int]]:
        """Return the ids of each text with special tokens, cut to ``limit``."""
        if not texts:
            return []
        with self._lock:  # a fast tokenizer cannot be set and used by two threads at once
            return self._tokenizer(
                texts, truncation=limit is not None, max_length=limit, padding=False
            )["input_ids"]


def resolve_device(device: str) -> str:
    """Return the device that ``auto`` means here, or the given one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _stamp(name: str) -> tuple[Any, ...]:
    """Return what changes when the files of a folder do; nothing for a name on the hub."""
    files = sorted(file for file in Path(name).rglob("*") if file.is_file())
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)


@lru_cache(maxsize=1)
def _load(name: str, dtype: str, device: str, stamp: tuple[Any, ...]) -> _Loaded:
    from transformers import AutoModel, AutoTokenizer

    def load(resolved: str) -> Any:
        tokenizer = AutoTokenizer.from_pretrained(resolved, trust_remote_code=False)
        model, report = AutoModel.from_pretrained(
            resolved,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            dtype=getattr(torch, dtype),
        )
        return tokenizer, model, report

    tokenizer, model, report = load_named(name, load, what="encoder", right=_RIGHT)
    # Otherwise transformers would initialise them randomly and continue.
    if missing := sorted(key for key in report["missing_keys"] if not key.startswith(_UNUSED)):
        raise UserError(
            f"{len(missing)} weights are missing ({missing[0]}, ...), in {name!r}, given as an "
            "encoder; give a complete checkpoint"
        )
    if model.config.is_encoder_decoder:
        raise UserError(
            f"the model is a {type(model).__name__}, in {name!r}, given as an encoder; must have "
            "one stack of layers, no encoder and decoder"
        )
    return _Loaded(model, tokenizer, device)


@lru_cache(maxsize=1)
def _load_sentence_model(name: str, device: str, stamp: tuple[Any, ...]) -> tuple[Any, str]:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UserError(
            f"sentence-transformers cannot be imported ({error}), for SentenceTransformersEncoder; "
            "pip install 'lit_research[encoders]'"
        ) from error

    def load(resolved: str) -> Any:
        return SentenceTransformer(
            resolved,
            device=device,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )

    right = "give a folder that SentenceTransformer.save wrote, or a name on the model hub"
    model = load_named(name, load, what="encoder", right=right)
    return model, _weights_hash(model)


def _weights_hash(model: nn.Module) -> str:
    """Return a hash of the names and values of all weights that the hidden states depend on."""
    digest = hashlib.blake2b(digest_size=16)
    for name, weight in sorted(model.state_dict().items()):
        if not name.startswith(_UNUSED):
            digest.update(f"{name} {weight.dtype} {[*weight.shape]}".encode())
            digest.update(weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _tokenizer_hash(tokenizer: Any) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return content_hash(backend.to_str() if backend else str(sorted(tokenizer.get_vocab().items())))
