/* test_guard.c: x */
int main(void) { return 0; }
