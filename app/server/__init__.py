"""gunicorn's worker: reads requests, hands whole ones to threads, and sends the answers."""
