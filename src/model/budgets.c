/* budgets.c: which budget a category has from when on (work.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

static uint32_t category_named(const struct mm_categories *c, const char *name)
{
	uint32_t i = 0;

	while (i < mm_categories_count(c) && strcmp(mm_categories_name(c, i), name) != 0)
		i++;
	return i;
}

int mm_work_budgets(struct mm_work *w)
{
	const struct mm_categories *c = w->options->categories;
	uint32_t n = mm_categories_count(c);

	w->budgets = malloc((n + w->notes.budget_count) * sizeof *w->budgets);
	if (!w->budgets)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		w->budgets[w->budget_count++] =
			(struct mm_budget_step){ 0, mm_categories_budget(c, i), i };
	for (size_t i = 0; i < w->notes.budget_count; i++) {
		const struct mm_note_budget *b = &w->notes.budgets[i];
		if (b->time < w->to)
			w->budgets[w->budget_count++] = (struct mm_budget_step){
				b->time, b->bytes, category_named(c, b->category) };
	}
	return MM_OK;
}
