# Tests: victims, programs that must not notice that they are recorded.
TESTS += tests/victims/run.sh
EXTRA_DIST += tests/victims/run.sh \
	tests/victims/aligned.c
