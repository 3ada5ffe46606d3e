"""Change the counts of one bucket; `throttle` calls this, for counts in Redis or in memory."""

from __future__ import annotations

from limits.strategies import FixedWindowRateLimiter

from app.infra.buckets import Bucket


def hit(limiter: FixedWindowRateLimiter, bucket: Bucket) -> float | None:
    """Count in each window of a bucket; return when the first full one ends (seconds, UTC).

    None when no window is full.
    """
    for item in bucket.limits:
        if not limiter.hit(item, bucket.kind, bucket.key):
            # Return here: an attempt that the short window refuses does not fill the long one.
            return limiter.storage.get_expiry(item.key_for(bucket.kind, bucket.key))
    return None


def clear(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    """Forget what was counted."""
    for item in bucket.limits:
        limiter.clear(item, bucket.kind, bucket.key)


def refund(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    """Count one less in each window."""
    for item in bucket.limits:
        key = item.key_for(bucket.kind, bucket.key)
        limiter.storage.incr(key, item.get_expiry(), amount=-1)
