# Unit tests: symbol.
