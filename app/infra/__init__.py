"""The layer below all others: clock, database, Redis, limits, logs, strict JSON. No Flask."""
