# Unit tests: base, and the command line's own parser.
check_PROGRAMS += test_base test_cli test_registry
test_base_SOURCES = tests/unit/test_base.c
test_base_LDADD = $(MM_TEST_LIBS)
test_cli_SOURCES = tests/unit/test_cli.c src/cli/cli.c src/cli/cli.h
test_cli_LDADD = $(MM_TEST_LIBS)
test_registry_SOURCES = tests/unit/test_registry.c
test_registry_LDADD = $(MM_TEST_LIBS)
TESTS += test_base test_cli test_registry
