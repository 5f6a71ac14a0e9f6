/* What every user of mm_note.h below does, recorded or not. */
#include <mm_note.h>
#include <stdio.h>
#include <stdlib.h>

static int note_body(const char *how)
{
	static char pool[4096];
	int n = 0;

	mm_category_pop(); /* one too many */
	for (int i = 0; i < 1000; i++) {
		void *p;
		mm_category_push("svo_nodes");
		p = malloc(100);
		mm_category_push(i % 2 ? "mesh_data" : "sdf_fields");
		n += p != NULL;
		free(p);
		mm_note_alloc(pool + i, 1);
		mm_category_pop();
		mm_category_pop();
		mm_metric("nodes", i);
		mm_note_free(pool + i);
	}
	for (int i = 0; i < 100; i++)
		mm_category_push("deep");
	free(malloc(10));
	for (int i = 0; i < 100; i++)
		mm_category_pop();
	mm_mark("the end, with a text that is longer than any cell of a table will ever be");
	mm_mark("");
	printf("%s %d\n", how, n);
	return 0;
}
