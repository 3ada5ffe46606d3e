"""The HTTP words that both deliveries share."""
