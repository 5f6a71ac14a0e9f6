/* victim: a C program that opens a C++ library, whose operators new are in nobody's
 * global scope.
 * plugin: lib_cxxplugin.cc
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int sum = 0;

	(void)argc;
	for (int i = 0; i < 20; i++) {
		void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
		int (*work)(int) = h ? (int (*)(int))dlsym(h, "plugin_work") : NULL;
		if (!work) {
			printf("%s\n", dlerror());
			return 1;
		}
		sum += work(100);
		dlclose(h);
	}
	printf("%d\n", sum);
	return 0;
}
