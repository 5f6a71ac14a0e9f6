/* fuzz_categories.c: any bytes as a configuration file, then its globs against names.
 *
 * Nothing may crash or hang; a refusal names the file and a line; a glob that was
 * accepted matches itself where it has no special characters.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "symbol/categories.h"
#include "symbol/category_rules.h"
#include "symbol/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_globs(const struct mm_category_rules *r)
{
	static const char *const names[] = {
		"", "svo::Tree::insert<int>(std::vector<a, b> const&) const", "/usr/src/a/b.c",
		"(anonymous namespace)::f(int)", ")", "(", "operator()(int)", "a::b()::{lambda}",
	};

	for (size_t i = 0; i < r->glob_count; i++) {
		const char *glob = r->globs[i].pattern;
		for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
			mm_glob_match_function(glob, names[k]);
			mm_glob_match_path(glob, names[k]);
		}
		if (!strpbrk(glob, "*?[\\") && !mm_glob_match(glob, glob, strlen(glob)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mm_category_rules r = { 0 };
	struct mm_categories *c;
	struct mm_diag diag = { "" };

	if (mm_categories_load(&c, NULL, NULL))
		return 0;
	int err = mm_conf_parse(&r.conf, "file", (const char *)data, size, &diag);
	if (!err)
		err = mm_category_rules_take(&r, c, "file", &diag);
	if (!err)
		try_globs(&r);
	else if (err != MM_ENOMEM && strncmp(diag.text, "file:", 5))
		abort();
	mm_category_rules_deinit(&r);
	mm_categories_free(c);
	return 0;
}
