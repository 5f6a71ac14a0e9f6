/* victim: dlopen by bare name, found through the program's own RPATH: an interposed
 * dlopen would break it.
 * plugin: lib_plugin.c
 * build: $CC -O2 -fno-builtin -pthread $src -o $out -ldl -Wl,-rpath,$dir/plugins
 * args: libplugin.so
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	void *h = dlopen("libplugin.so", RTLD_NOW);
	void *(*make)(int) = h ? (void *(*)(int))dlsym(h, "plugin_make") : NULL;

	if (!make) {
		printf("%s\n", dlerror());
		return 1;
	}
	free(make(3));
	printf("found\n");
	return dlclose(h);
}
