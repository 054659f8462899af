"""One operation is one span and its measurements; it knows the conventions, not the SDKs."""
