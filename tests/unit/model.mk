# Unit tests: model and view. modelkit writes small traces and is the oracle.
check_PROGRAMS += test_model
mm_modelkit = tests/unit/modelkit.c tests/unit/modelkit.h
test_model_SOURCES = tests/unit/test_model.c $(mm_modelkit)
test_model_LDADD = $(MM_TEST_LIBS)
TESTS += test_model
