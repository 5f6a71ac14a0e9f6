/* oomkit.h: memory that runs out when a test says so; linked with --wrap for malloc, calloc and
 * realloc.
 *
 * Vocabulary: until_failure = allocations that still succeed, -1 = all; failure_stays = all
 * after the first fail too; failures = how many did. For one test program each. */
#ifndef MM_TEST_OOMKIT_H
#define MM_TEST_OOMKIT_H

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long until_failure = -1; /* -1: never */
static int failure_stays;
static long failures;

static int fails_now(void)
{
	if (until_failure < 0)
		return 0;
	if (until_failure > 0) {
		until_failure--;
		return 0;
	}
	if (!failure_stays)
		until_failure = -1;
	failures++;
	return 1;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

#endif
