/* demangle.c: C++ and Rust names for people (mm_demangle in symbol.h).
 *
 * Promise: bounded on hostile names: what would be longer than MAX_TEXT, or nests
 * deeper than a large stack of its own holds, stays mangled.
 * Return types of templates are left out, so that "ns::*" matches their names.
 */
#include "symbol/symbol.h"

#include <libiberty/demangle.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_MANGLED = 64 * 1024,     /* longer names are not looked at */
	MAX_TEXT = 256 * 1024,       /* longer results are given up */
	SHORT_MANGLED = 1000,        /* libiberty bounds its own recursion up to here */
	LONG_STACK = 256 * 1024 * 1024
};

struct demangling {
	const char *name;
	int options;
	char *text;
	size_t len, cap;
	jmp_buf give_up;
};

/* Leaving by longjmp is safe: the callback variants keep their state on the stack. */
static void take_text(const char *part, size_t n, void *arg)
{
	struct demangling *d = arg;

	if (d->len + n + 1 > d->cap) {
		size_t cap = d->cap ? d->cap : 256;
		while (cap < d->len + n + 1)
			cap *= 2;
		char *p = cap <= MAX_TEXT ? realloc(d->text, cap) : NULL;
		if (!p)
			longjmp(d->give_up, 1);
		d->text = p;
		d->cap = cap;
	}
	memcpy(d->text + d->len, part, n);
	d->len += n;
	d->text[d->len] = 0;
}

static int run_styles(struct demangling *d)
{
	if (setjmp(d->give_up))
		return 0;
	if (rust_demangle_callback(d->name, d->options, take_text, d))
		return d->len > 0;
	d->len = 0;
	return cplus_demangle_v3_callback(d->name, d->options, take_text, d) && d->len > 0;
}

static void *run_thread(void *arg)
{
	return run_styles(arg) ? arg : NULL;
}

/* A long name may nest as deep as it is long: it gets a stack that holds that. */
static int run_long(struct demangling *d)
{
	pthread_attr_t attr;
	pthread_t thread;
	void *done = NULL;

	if (pthread_attr_init(&attr))
		return 0;
	int err = pthread_attr_setstacksize(&attr, LONG_STACK);
	if (!err)
		err = pthread_create(&thread, &attr, run_thread, d);
	pthread_attr_destroy(&attr);
	if (err)
		return 0;
	pthread_join(thread, &done);
	return done != NULL;
}

char *mm_demangle(const char *name)
{
	size_t len = strlen(name);
	struct demangling d = {
		.name = name,
		.options = DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP |
			(len > SHORT_MANGLED ? DMGL_NO_RECURSE_LIMIT : 0),
	};

	if (len > 2 && len <= MAX_MANGLED && name[0] == '_' &&
	    (name[1] == 'Z' || name[1] == 'R')) {
		if (len > SHORT_MANGLED ? run_long(&d) : run_styles(&d))
			return d.text;
		free(d.text);
	}
	return strdup(name);
}
