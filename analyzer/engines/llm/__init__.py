"""The LLM engine: a chain over any OpenAI-compatible endpoint that marks, judges and guides."""
