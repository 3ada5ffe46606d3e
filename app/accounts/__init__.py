"""Who someone is: users and their passwords."""
