/* codec.c: the scratch memory of decoding (codec.h). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/codec_state.h"

int mm_codec_create(struct mm_codec **ret)
{
	struct mm_codec *c = calloc(1, sizeof *c);

	if (!c)
		return MM_ENOMEM;
	if (mm_columns_create(&c->columns)) {
		mm_codec_destroy(c);
		return MM_ENOMEM;
	}
	*ret = c;
	return MM_OK;
}

void mm_codec_destroy(struct mm_codec *c)
{
	if (!c)
		return;
	mm_columns_destroy(c->columns);
	free(c->shapes.shapes);
	free(c->guess);
	free(c->birth_slot);
	free(c->stack);
	free(c->outer);
	free(c->category);
	free(c->event);
	free(c->last);
	free(c);
}

void mm_rows_deinit(struct mm_rows *r)
{
	free(r->rows);
	mm_buf_deinit(&r->other);
	memset(r, 0, sizeof *r);
}

/* What was there for fewer events is not needed any more. */
int mm_codec_room(struct mm_codec *c, uint32_t count)
{
	if (c->guess && count <= c->event_cap)
		return MM_OK;
	size_t guess = offsetof(struct mm_guess, born) + count * sizeof c->guess->born[0];
	c->event_cap = 0;
	free(c->birth_slot);
	free(c->stack);
	free(c->outer);
	free(c->guess);
	c->birth_slot = malloc((count + 1u) * sizeof *c->birth_slot);
	c->stack = malloc((count + 1u) * sizeof *c->stack);
	c->outer = malloc((count + 1u) * sizeof *c->outer);
	c->guess = malloc(guess);
	if (!c->birth_slot || !c->stack || !c->outer || !c->guess)
		return MM_ENOMEM;
	c->event_cap = count;
	return MM_OK;
}
