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

static void free_events(struct mm_codec *c)
{
	free(c->slot);
	free(c->birth_slot);
	free(c->birth_event);
	free(c->stack);
	free(c->fresh);
	free(c->outer);
	free(c->guess);
}

void mm_codec_destroy(struct mm_codec *c)
{
	if (!c)
		return;
	mm_columns_destroy(c->columns);
	free(c->shapes.shapes);
	free_events(c);
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

/* What was there for fewer events is not needed any more. One more each than there are events:
 * decode_slots.c looks behind an end. */
int mm_codec_room(struct mm_codec *c, uint32_t count)
{
	if (c->guess && count <= c->event_cap)
		return MM_OK;
	size_t guess = offsetof(struct mm_guess, born) + count * sizeof c->guess->born[0];
	c->event_cap = 0;
	free_events(c);
	c->slot = calloc(count + 1u, sizeof *c->slot);
	c->birth_slot = calloc(count + 1u, sizeof *c->birth_slot);
	c->birth_event = calloc(count + 1u, sizeof *c->birth_event);
	c->stack = calloc(count + 1u, sizeof *c->stack);
	c->fresh = calloc(count + 1u, sizeof *c->fresh);
	c->outer = calloc(count + 1u, sizeof *c->outer);
	c->guess = malloc(guess);
	if (!c->slot || !c->birth_slot || !c->birth_event || !c->stack || !c->fresh || !c->outer ||
	    !c->guess) {
		free(c->guess);
		c->guess = NULL; /* there is room for no chunk, not even an empty one */
		return MM_ENOMEM;
	}
	c->event_cap = count;
	return MM_OK;
}
