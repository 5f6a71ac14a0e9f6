# Unit tests: capture.
