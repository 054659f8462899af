"""What happened in the last minutes: a window over the SDK's in-memory metric reader."""
