/* hard_plugin.c: libraries come and go, with constructors, destructors and thread-local
 * objects that allocate; threads end with memory that their destructors free.
 *   plugin: lib_hardplugin.c */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path;

static void *use(void *arg)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*work)(void) = lib ? (int (*)(void))dlsym(lib, "hard_work") : NULL;

	*(int *)arg += !work || work();
	if (lib)
		dlclose(lib);
	return NULL;
}

int main(int argc, char **argv)
{
	int bad = 0;

	path = argv[argc - 1];
	for (int i = 0; i < 40; i++) {
		pthread_t t[4];
		int of[4] = { 0 };
		for (int k = 0; k < 4; k++)
			if (pthread_create(&t[k], NULL, use, &of[k]))
				return 9;
		for (int k = 0; k < 4; k++) {
			pthread_join(t[k], NULL);
			bad += of[k];
		}
	}
	printf("%d bad\n", bad);
	return bad != 0;
}
