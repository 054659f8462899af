"""The truth about the process and what it runs on: vitals, limits, and the event loop."""
