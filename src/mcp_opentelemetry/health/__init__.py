"""Whether the server is well: checks, ours and the user's, and what probes are told."""
