# Unit tests: trace.
