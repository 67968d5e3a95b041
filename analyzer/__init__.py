"""Wordbond: what agents promised, where customers were stonewalled, and what policy says."""
