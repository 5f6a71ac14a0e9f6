/* units.h: sizes and times as people type them, and as they read them.
 *
 * Promise: a text that is not wholly a size or a time is refused, never read in part;
 * nothing overflows silently; no locale.
 * Vocabulary: size = bytes; K, M, G, T and KiB, MiB ... are powers of 1024, kB, MB,
 * GB, TB powers of 1000 (case does not matter). A time is counted from the start of
 * the trace.
 * Pure; any thread.
 */
#ifndef MM_BASE_UNITS_H
#define MM_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "4096", "64M", "64MB", "64MiB", "1.5G", "10 kB": bytes, rounded down. MM_EINVAL, also
 * when it does not fit below 2^64 - 1. */
int mm_parse_size(const char *text, uint64_t *ret);

/* "12.5s", "250ms", "10us", "5ns", "3m", "1:02.5", "1:00:00", plain seconds "7":
 * nanoseconds. MM_EINVAL. */
int mm_parse_duration(const char *text, uint64_t *ret);

enum mm_moment_kind { MM_MOMENT_NS = 0, MM_MOMENT_RATIO = 1, MM_MOMENT_PEAK = 2,
	MM_MOMENT_MARK = 3 };

/* A point of a trace as typed; what the last three mean the trace has to say. */
struct mm_moment {
	uint8_t kind;      /* enum mm_moment_kind */
	uint64_t ns;       /* NS */
	uint32_t ppm;      /* RATIO: millionths of the duration, at most 1000000 */
	const char *mark;  /* MARK: points into the text */
};

/* A duration, "50%", "peak" or "mark:NAME". MM_EINVAL. */
int mm_parse_time(const char *text, struct mm_moment *ret);

/* Room that every text below fits in. */
enum { MM_UNITS_TEXT = 32 };

/* Each writes a NUL-terminated text into buf (MM_UNITS_TEXT bytes) and returns buf.
 * MM_UNKNOWN-like values (UINT64_MAX) are written "?". */
char *mm_format_size(char *buf, uint64_t bytes);      /* "0 B", "640 B", "1.42 GiB" */
char *mm_format_count(char *buf, uint64_t count);     /* "5,664,012" */
char *mm_format_time(char *buf, uint64_t ns);         /* "12.5 s", "1:02.5", "340 us" */

#endif
