/* hard_standard.c: what the standards and glibc's manual say of the malloc family. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong;
#define IS(what) ((what) ? 0 : (wrong++, printf("line %d: wrong: %s\n", __LINE__, #what)))
/* The call fails, with errno as said. */
#define FAILS(call, number) (errno = 0, IS((call) == NULL && errno == (number)))

static volatile size_t vast = PTRDIFF_MAX;
static void *volatile p, *volatile q;

static void of_size_0(void)
{
	p = malloc(0);
	q = malloc(0);
	IS(p && q && p != q);
	free(p);
	free(q);
	p = calloc(0, SIZE_MAX);
	q = calloc(SIZE_MAX, 0);
	IS(p && q && p != q);
	free(p);
	free(q);
	IS(posix_memalign((void **)&p, 64, 0) == 0 && (uintptr_t)p % 64 == 0);
	free(p);
}

static void too_large(void)
{
	for (size_t less = 0; less < 100000; less += 1 + less / 2) {
		size_t n = SIZE_MAX - less;
		FAILS(malloc(n), ENOMEM);
		FAILS(calloc(n, 1), ENOMEM);
		FAILS(calloc(1, n), ENOMEM);
		FAILS(realloc(NULL, n), ENOMEM);
		FAILS(aligned_alloc(64, n), ENOMEM);
		FAILS(memalign(64, n), ENOMEM);
		FAILS(valloc(n), ENOMEM);
		FAILS(pvalloc(n), ENOMEM);
		FAILS(reallocarray(NULL, n, 1), ENOMEM);
		errno = 5;
		IS(posix_memalign((void **)&p, 64, n) == ENOMEM && errno == 5);
		FAILS(malloc(vast - less), ENOMEM);
		FAILS(aligned_alloc(4096, vast - less), ENOMEM);
	}
	FAILS(malloc(vast + 1), ENOMEM);
	FAILS(calloc(vast, 2), ENOMEM);
	FAILS(calloc(vast, 3), ENOMEM);
	FAILS(calloc((size_t)1 << 32, (size_t)1 << 32), ENOMEM);
	FAILS(calloc(((size_t)1 << 32) + 1, (size_t)1 << 32), ENOMEM);
	FAILS(reallocarray(NULL, (size_t)1 << 32, (size_t)1 << 32), ENOMEM);
}

static void fails_and_stays(void)
{
	char *a = malloc(100);

	memset(a, 7, 100);
	p = a;
	FAILS(realloc(p, vast + 1), ENOMEM);
	FAILS(realloc(p, SIZE_MAX), ENOMEM);
	FAILS(realloc(p, vast - 4096), ENOMEM);
	FAILS(reallocarray(p, vast, 3), ENOMEM);
	for (int i = 0; i < 100; i++)
		IS(a[i] == 7);
	free(p);
}

static void alignments(void)
{
	static const size_t bad[] = { 0, 1, 2, 3, 4, 6, 7, 12, 24, 40, 1000, SIZE_MAX };

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		p = (void *)1;
		errno = 5;
		IS(posix_memalign((void **)&p, bad[i], 8) == EINVAL && p == (void *)1 && errno == 5);
		if (bad[i] & (bad[i] - 1) || !bad[i])
			FAILS(aligned_alloc(bad[i], 8), EINVAL);
	}
	for (int bit = 41; bit < 64; bit++) {
		p = (void *)1;
		IS(posix_memalign((void **)&p, (size_t)1 << bit, 8) == ENOMEM && p == (void *)1);
		FAILS(aligned_alloc((size_t)1 << bit, 8), ENOMEM);
		FAILS(memalign((size_t)1 << bit, 8), ENOMEM);
	}
	FAILS(memalign(SIZE_MAX, 8), EINVAL);
	for (size_t align = 1; align <= (size_t)1 << 22; align *= 2)
		for (size_t n = 0; n < 40000; n = n * 3 + 1) {
			p = aligned_alloc(align, n);
			q = memalign(align, n);
			IS(p && q && (uintptr_t)p % align == 0 && (uintptr_t)q % align == 0);
			IS((uintptr_t)p % 16 == 0 && malloc_usable_size(p) >= n);
			memset(p, 1, n);
			memset(q, 2, n);
			q = realloc(q, n + 9);
			IS(n == 0 || (((char *)q)[0] == 2 && ((char *)q)[n - 1] == 2));
			free(p);
			free(q);
		}
	p = memalign(24, 100);
	IS((uintptr_t)p % 32 == 0);
	free(p);
	p = valloc(5);
	q = pvalloc(5);
	IS((uintptr_t)p % 4096 == 0 && (uintptr_t)q % 4096 == 0 && malloc_usable_size(q) >= 4096);
	free(p);
	free(q);
	p = pvalloc(0);
	IS(p && (uintptr_t)p % 4096 == 0);
	free(p);
}

static void reallocs(void)
{
	p = realloc(NULL, 50);
	IS(p && malloc_usable_size(p) >= 50);
	IS(realloc(p, 0) == NULL);
	p = realloc(NULL, 0);
	IS(p != NULL);
	free(p);
	for (size_t from = 1; from < 3000000; from = from * 5 + 3)
		for (size_t to = 1; to < 3000000; to = to * 7 + 1) {
			char *a = malloc(from);
			a[0] = 3;
			a[(from < to ? from : to) - 1] = 3;
			a = realloc(a, to);
			IS(a && a[0] == 3 && a[(from < to ? from : to) - 1] == 3);
			a[to - 1] = 1;
			free(a);
		}
}

static void zeroes(void)
{
	for (size_t n = 1; n < 5000000; n = n * 3 + 7) {
		char *a = malloc(n);
		memset(a, 0xee, n);
		free(a);
		a = calloc(1, n);
		for (size_t i = 0; i < n; i++)
			if (a[i])
				IS(!"calloc zeroes");
		memset(a, 0xee, n);
		free(a);
	}
}

static void errno_is_kept(void)
{
	for (size_t n = 1; n < 100000000; n = n * 3 + 7) {
		errno = 77;
		p = malloc(n);
		IS(errno == 77);
		free(p);
		free(NULL);
		IS(errno == 77);
		p = calloc(n, 1);
		p = realloc(p, n + 1);
		IS(errno == 77);
		realloc(p, 0);
		IS(errno == 77);
	}
	IS(malloc_usable_size(NULL) == 0);
}

/* All that may be used may be used. */
static void usable(void)
{
	static void *block[2000];

	for (int i = 0; i < 2000; i++) {
		block[i] = malloc((size_t)i * 3);
		memset(block[i], i & 0x7f, malloc_usable_size(block[i]));
	}
	for (int i = 0; i < 2000; i++) {
		const char *a = block[i];
		for (size_t n = malloc_usable_size(block[i]); n > 0; n--)
			if (a[n - 1] != (i & 0x7f))
				IS(!"blocks overlap");
		free(block[i]);
	}
}

static void the_library_s_own(void)
{
	char *line = NULL, *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	fprintf(f, "%0*d\n", 5000, 1);
	fclose(f);
	IS(n == 5001);
	f = fmemopen(text, n, "r");
	n = 0;
	IS(getline(&line, &n, f) == 5001 && n >= 5002);
	fclose(f);
	free(line);
	free(text);
	IS(asprintf(&line, "%s-%d", "x", 5) == 3 && strcmp(line, "x-5") == 0);
	free(line);
	line = strdup("abc");
	IS(strcmp(line, "abc") == 0);
	free(line);
}

int main(void)
{
	of_size_0();
	too_large();
	fails_and_stays();
	alignments();
	reallocs();
	zeroes();
	errno_is_kept();
	usable();
	the_library_s_own();
	printf("%d wrong\n", wrong);
	return wrong != 0;
}
