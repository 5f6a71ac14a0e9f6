/* lib_hardplugin.c: allocates whenever it is allowed to: when it is loaded and unloaded, in
 * thread-local destructors of two kinds, one of which allocates anew. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

int __cxa_thread_atexit_impl(void (*fn)(void *), void *obj, void *dso);
extern void *__dso_handle;

static char *text;
static pthread_key_t key;
static int has_key;
static __thread char *mine;

static void later(void *p)
{
	free(p);
	free(malloc(5000));
}

/* Twice: a destructor may set its key again. */
static void at_end(void *p)
{
	char *again = malloc(300);

	memset(again, 2, 300);
	if (*(char *)p == 1)
		pthread_setspecific(key, again);
	else
		free(again);
	free(p);
}

__attribute__((constructor)) static void load(void)
{
	text = strdup("loaded");
	for (int i = 0; i < 200; i++)
		free(malloc((size_t)i * 50));
	has_key = pthread_key_create(&key, at_end) == 0;
}

__attribute__((destructor)) static void unload(void)
{
	free(text);
	if (has_key)
		pthread_key_delete(key);
}

int hard_work(void)
{
	mine = malloc(2000);
	memset(mine, 1, 2000);
	__cxa_thread_atexit_impl(later, mine, &__dso_handle);
	char *for_key = malloc(40);
	memset(for_key, 1, 40);
	if (has_key)
		pthread_setspecific(key, for_key);
	for (int i = 0; i < 1000; i++) {
		char *p = malloc((size_t)i);
		p = realloc(p, (size_t)i * 3 + 1);
		p[i] = 1;
		free(p);
	}
	return strcmp(text, "loaded");
}
