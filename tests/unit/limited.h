/* limited.h: whether a test may limit its addresses, or map where it likes: sanitizers reserve
 * terabytes for themselves. Then only their own checks are left. */
#ifndef LIMITED_H
#define LIMITED_H

#include <stdint.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITED = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { LIMITED = 0 };
#else
enum { LIMITED = 1 };
#endif
#else
enum { LIMITED = 1 };
#endif

/* Bytes of the addresses that this process has; 0 = not known. */
static inline uint64_t limited_addresses(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%lu", &pages) != 1 || fclose(f))
		return 0;
	return (uint64_t)pages * 4096;
}

#endif
