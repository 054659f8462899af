"""`/dashboard`: a live page for people, the same numbers as JSON for everything else."""
