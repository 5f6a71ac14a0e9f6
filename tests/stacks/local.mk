# Tests: stacks.
