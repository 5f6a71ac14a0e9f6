/* A plugin whose stacks differ in depth. */
#include <stdlib.h>

__attribute__((noinline)) static void *deep(int n)
{
	void *volatile p = n ? deep(n - 1) : malloc(100);
	return p;
}

void *plugin_make(int n)
{
	char *p = deep(n);

	p[0] = (char)n;
	return p;
}
