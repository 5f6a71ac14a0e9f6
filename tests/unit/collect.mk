# Unit tests: collect.
