/* features.c: what this library, on this system, can do (mm.h). */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "manager/general.h"
#include "manager/nodes.h"

/* "always [madvise] never": which is chosen. No file, no huge pages. */
static int has_huge_pages(void)
{
	char text[64];
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	return !strstr(text, "[never]");
}

int mm_manager_is_supported(struct mm_manager *m, enum mm_feature feature)
{
	switch (feature) {
	case MM_FEATURE_POOLS:
	case MM_FEATURE_VOXEL_POOLS:
	case MM_FEATURE_BUDGETS:
	case MM_FEATURE_TRACKING:
	case MM_FEATURE_MOVABLES:
	case MM_FEATURE_CHECKING:
	case MM_FEATURE_BUFFERS:
		return 1;
	case MM_FEATURE_HUGE_PAGES:
		return has_huge_pages();
	case MM_FEATURE_NUMA:
		return (m = mm_general_of(m)) != NULL && mm_nodes_is_supported(m->vspace.base);
	case MM_FEATURE_TIERS:
	case MM_FEATURE_COMPRESSION:
	case MM_FEATURE_PRESSURE:
	case MM_FEATURE_GPU:
	case MM_FEATURES:
		break;
	}
	return 0;
}
