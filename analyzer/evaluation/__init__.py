"""How good the answers are: the scores of the annotation guide, with their intervals."""
