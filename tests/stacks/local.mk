# Tests: stacks, against libunwind and a shadow stack. The script builds its programs
# itself, with several compilers and options.
TESTS += tests/stacks/stacks.sh
EXTRA_DIST += tests/stacks/stacks.sh tests/stacks/plugin.c tests/stacks/situations.c \
	tests/stacks/situations_cxx.cc tests/stacks/stackharness.c tests/stacks/stackharness.h
