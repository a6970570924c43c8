"""One master seed, ``seed_everything``, and the seeds that are derived from it."""

import hashlib
import os

_STRIDE = 1_000_003  # prime, and more than the steps of most runs


def resolve_seed(seed: int | None) -> int:
    """Return ``seed``, or where it is ``None`` the run's ``seed_everything`` (0 without one)."""
    return int(os.environ.get("PL_GLOBAL_SEED", "0")) if seed is None else seed


def derive_seed(*parts: object, digest_size: int = 8, separator: str = ":") -> int:
    """Return a seed that is a hash of ``parts`` alone: 0 to 256**``digest_size`` - 1.

    Args:
        parts: what the seed follows from, as ``str`` writes it.
        digest_size: bytes of the seed, 1 to 64.
        separator: between the parts; none of them should contain it.
    """
    text = separator.join(map(str, parts))
    digest = hashlib.blake2b(text.encode(), digest_size=digest_size).digest()
    return int.from_bytes(digest, "big")


def numbered_seed(seed: int, number: int) -> int:
    """Return the seed of a step, shard or round: ``seed`` times a large prime, plus ``number``.

    Published numbers depend on this formula; new code takes ``derive_seed``.
    """
    return seed * _STRIDE + number
