# Tests of the built tool: each script prints TAP and is run from the build tree.
