"""The engine that needs no key and no network: encoder, trained heads, comparisons in code."""
