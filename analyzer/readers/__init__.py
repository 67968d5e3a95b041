"""Files to domain objects: transcripts to calls, policy documents to clauses."""
