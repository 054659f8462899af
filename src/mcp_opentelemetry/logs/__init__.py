"""Log records of this process: made safe once, then written, sent and forwarded."""
