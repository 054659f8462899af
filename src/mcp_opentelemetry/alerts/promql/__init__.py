"""The subset of PromQL that alert rules are evaluated with, with the semantics of Prometheus 3."""
