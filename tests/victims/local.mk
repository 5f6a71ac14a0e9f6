# Tests: victims.
