"""A client that holds a key; the product has one itself, to attack with."""

from app.attacks.prover import Prover, base64url, token_hash

__all__ = ["Prover", "base64url", "token_hash"]
