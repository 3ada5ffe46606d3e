"""What a request costs; `make bench` runs it, README quotes it."""
