/* cxx_scopes: mm_scope.h as a program uses it; says what does not hold, and exits 1. */
#include <mm_scope.h>

#include <stdio.h>

static int wrong;

static void holds(int is_so, const char *what)
{
	if (!is_so) {
		printf("does not hold: %s\n", what);
		wrong = 1;
	}
}
#define HOLDS(x) holds((x), #x)

static uint32_t category_now(void)
{
	MM_SCOPED_BLOCK char *block = (char *)mm_alloc(NULL, 10);
	struct mm_info i = { 0 };

	mm_info(NULL, block, &i);
	return i.category;
}

static void pool_until_return(int leaves_early)
{
	MM_SCOPED_POOL *p = NULL;
	MM_SCOPED_POOL *never = NULL;

	HOLDS(mm_pool_create(NULL, "scoped", 32, 0, MM_ACCESS_GENERAL, 1, &p) == MM_OK);
	HOLDS(mm_pool_get(NULL, "scoped") == p && !never);
	if (leaves_early)
		return;
	HOLDS(mm_pool_alloc(p) != NULL);
}

int main(void)
{
	struct mm_usage before = { 0 }, after = { 0 };

	HOLDS(category_now() == MM_CATEGORY_GENERAL);
	mm_usage(NULL, MM_CATEGORY_GENERAL, &before);
	{
		MM_SCOPED_CATEGORY(MM_CATEGORY_MESH_DATA);
		HOLDS(category_now() == MM_CATEGORY_MESH_DATA);
		MM_SCOPED_CATEGORY(MM_CATEGORY_SVO_NODES);
		HOLDS(category_now() == MM_CATEGORY_SVO_NODES);
	}
	HOLDS(category_now() == MM_CATEGORY_GENERAL);
	for (int early = 0; early < 2; early++) {
		pool_until_return(early);
		HOLDS(mm_pool_get(NULL, "scoped") == NULL);
	}
	struct mm_manager *seen = NULL;
	{
		MM_SCOPED_MANAGER *m = NULL;
		HOLDS(mm_manager_create(&m) == MM_OK);
		seen = m;
		HOLDS(mm_manager_is_initialised(seen));
	}
	HOLDS(!mm_manager_is_initialised(seen));
	mm_usage(NULL, MM_CATEGORY_GENERAL, &after);
	HOLDS(before.live_count == after.live_count);
	return wrong;
}
