"""What a request costs; `make bench` runs it, docs/performance.md quotes it."""
