/* words.c: lists of names (words.h). */
#include "replay/words.h"

#include <stddef.h>
#include <stdio.h>

#include "alloc/guard.h"
#include "alloc/heap.h"
#include "base/suggest.h"

enum { WORD_SHOWN = 64, MORE_ALLOCATORS = 5 };

/* meant: the word that is looked for among the names. */
static const char *unknown(char *buf, const char *what, const char *word, const char *meant,
			   const char *const *names)
{
	int n = snprintf(buf, MM_WORDS_TEXT, "unknown %s '%.*s'", what, WORD_SHOWN, word);

	mm_suggest_of(buf + n, MM_WORDS_TEXT - (size_t)n, meant, names);
	return buf;
}

static size_t list_strategies(const char **names)
{
	for (int i = 0; i < MM_STRATEGIES; i++)
		names[i] = mm_strategy_name((enum mm_strategy)i);
	return MM_STRATEGIES;
}

const char *mm_words_no_strategy(char *buf, const char *word)
{
	const char *names[MM_STRATEGIES + 1] = { NULL };

	list_strategies(names);
	return unknown(buf, "strategy", word, word, names);
}

const char *mm_words_no_check(char *buf, const char *word)
{
	const char *names[] = { mm_check_name(MM_CHECK_OFF), mm_check_name(MM_CHECK_ON),
		mm_check_name(MM_CHECK_SAMPLED), mm_check_name(MM_CHECK_FULL), NULL };

	return unknown(buf, "level", word, word, names);
}

const char *mm_words_no_allocator(char *buf, const char *word)
{
	static const char *const others[MORE_ALLOCATORS] = { "glibc", "none", "libjemalloc.so.2",
		"libmimalloc.so.2", "libtcmalloc.so.4" };
	const char *names[MM_STRATEGIES + MORE_ALLOCATORS + 2] = { NULL };
	size_t n = list_strategies(names);
	char near[WORD_SHOWN + 8];

	for (size_t i = 0; i < MORE_ALLOCATORS; i++)
		names[n++] = others[i];
	names[n] = "any shared library";
	snprintf(near, sizeof near, "lib%.*s", WORD_SHOWN, word);
	/* Who writes jemalloc means its library. */
	return unknown(buf, "allocator", word, mm_suggest(word, names) ? word : near, names);
}
