/* victim: plugins that allocate come and go, at addresses that are used again.
 * plugin: lib_plugin.c
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	long sum = 0;

	(void)argc;
	for (int i = 0; i < 200; i++) {
		void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
		void *(*make)(int) = h ? (void *(*)(int))dlsym(h, "plugin_make") : NULL;
		if (!make) {
			printf("%s\n", dlerror());
			return 1;
		}
		char *p = make(i % 7);
		sum += p[0];
		if (dlclose(h) != 0)
			return 1;
		free(p);
	}
	printf("%ld\n", sum);
	return 0;
}
