# Unit tests: model.
