/* victim: a double free that libc itself detects: same message, same signal.
 * expect: 134
 */
#include <stdlib.h>
#include <sys/resource.h>

int main(void)
{
	struct rlimit none = { 0, 0 };
	void *volatile p = malloc(40);
	void *volatile q = p;

	setrlimit(RLIMIT_CORE, &none);
	free(p);
	free(q);
	return 0;
}
