/* other.h: events of kinds from 64 up as (kind, length, bytes) of a chunk's last column.
 * The bytes of a kind that is not known are kept as `text`.
 */
#ifndef MM_TRACE_OTHER_H
#define MM_TRACE_OTHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"
#include "trace/notice.h"

/* Room for what an event points to. */
union mm_other_room {
	struct mm_sample sample;
	struct mm_notice notice;
};

/* Appends the bytes of ev: 0 or MM_ENOMEM. */
int mm_other_encode(const struct mm_event *ev, int has_addr, struct mm_buf *out);

/* Fills in what ev->kind carries; texts point into data, sample and notice to *room.
 * 0 or MM_ECORRUPT. */
int mm_other_decode(const uint8_t *data, size_t len, struct mm_event *ev,
		    union mm_other_room *room);

#endif
