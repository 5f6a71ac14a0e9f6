/* abusekit.h: mmtop over any file, driven by random keys, sizes and commands, which must hurt
 * nothing: no crash, no harmful cell, no report that cannot be written.
 */
#ifndef MM_TESTS_ABUSEKIT_H
#define MM_TESTS_ABUSEKIT_H

#include <stddef.h>
#include <stdint.h>

struct topkit;

struct abuse { uint64_t state; /* of the random numbers, not 0 */ };

uint64_t abuse_random(struct abuse *a);
uint64_t abuse_below(struct abuse *a, uint64_t n);

/* Opens the trace, shows each screen, then presses `keys` keys. 0, or the error with which it
 * could not be opened, which then had one line of reason. */
int abuse_explore(struct abuse *a, const char *path, unsigned keys);

/* Any keys, clicks, ticks, commands and sizes. */
void abuse_keys(struct abuse *a, struct topkit *k, unsigned keys);

/* A trace as bytes, changed: in *ret (malloc) and *ret_len. Often so that its checksums hold. */
void abuse_damage(struct abuse *a, const uint8_t *trace, size_t len, uint8_t **ret,
		  size_t *ret_len);

#endif
