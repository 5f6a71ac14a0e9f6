/* conf.h: configuration files, as sections of keys with values.
 *
 *     # a comment; C's kind too
 *     category svo_nodes {
 *         budget = 256mb
 *         match = [ "svo::*", "file:src/svo/x*.c" ]
 *     }
 *
 * Promise: what does not parse is refused with "file:line: reason"; every item keeps its
 * line for whoever refuses it later. The syntax is a subset of UCL's: key = value or
 * key: value, ended by a newline, ';' or ','; strings in double quotes with \" \\ \n \t,
 * or in single quotes as they stand; a bare value runs to the end of its line.
 * Vocabulary: item = one key with its values, or one section; label = the name between a
 * section's key and its brace.
 * Read-only once made, then safe in any thread.
 */
#ifndef MM_BASE_CONF_H
#define MM_BASE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct mm_conf;

struct mm_conf_value { const char *text; uint32_t line; };

struct mm_conf_item {
	const char *key, *label;  /* label "" = none */
	uint32_t line;
	uint8_t is_section, is_list;
	struct mm_conf_value *values; /* of a key */
	size_t value_count;
	struct mm_conf_item *items;   /* of a section */
	size_t item_count;
};

/* Everything lives until mm_conf_free. MM_ESYNTAX, MM_ENOMEM; load also MM_ENOENT,
 * MM_EPERM, MM_EIO. */
int mm_conf_load(struct mm_conf **ret, const char *path, struct mm_diag *diag);
/* From memory; name stands for the path in messages. */
int mm_conf_parse(struct mm_conf **ret, const char *name, const char *text, size_t len,
		  struct mm_diag *diag);
void mm_conf_free(struct mm_conf *c);

/* The whole file as a section without key. */
const struct mm_conf_item *mm_conf_root(const struct mm_conf *c);

#endif
