"""What happens to a credential over time: families, their rotation, and the denylist."""
