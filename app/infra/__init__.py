"""What every other part stands on: time, the database, Redis, limits, logs. No Flask."""
