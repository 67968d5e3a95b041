"""A strict server that plays an OpenAI-compatible endpoint in tests and benchmarks."""
