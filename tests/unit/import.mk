# Unit tests: import.
