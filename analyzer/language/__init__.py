"""What the English of calls and of policies says, in terms that can be compared."""
