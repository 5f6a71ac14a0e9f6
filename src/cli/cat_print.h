/* cat_print.h: one event as a line of text or of JSON, for `mmprof cat`.
 *
 * Prints to stdout, whose errors the caller looks at. Texts of the recorded program are
 * escaped. Single-threaded, as all of this floor.
 */
#ifndef MM_CLI_CAT_PRINT_H
#define MM_CLI_CAT_PRINT_H

#include <stdint.h>

#include "base/buf.h"
#include "trace/reader.h"

enum { MM_CAT_KIND = 16 }; /* room for the name of a kind */

/* "malloc", or "kind-77" for one that is not known. */
void mm_cat_kind(unsigned kind, char ret[MM_CAT_KIND]);

/* The site that an event is about: of a death, where its object was born. */
uint32_t mm_cat_site(const struct mm_event *ev);

/* Whether ev->size means anything. */
int mm_cat_has_size(const struct mm_event *ev);

/* Each prints one line; scratch is emptied and reused. */
void mm_cat_text(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
		 struct mm_buf *scratch);
void mm_cat_json(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
		 struct mm_buf *scratch);

#endif
