/* report_known.c: a program that knows its own numbers, and marks its phases.
 *
 * load: 100 nodes of 1000 bytes, kept; work: 50 buffers of 4000 bytes, all live together,
 * then freed; churn: 1000 temporaries of 16 bytes; end: 40 of the nodes are freed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mm_note.h"

static void *nodes[100], *buffers[50];

__attribute__((noinline)) void *node_new(void)
{
	void *volatile p = malloc(1000);
	return p;
}

__attribute__((noinline)) void *buffer_new(void)
{
	void *volatile p = malloc(4000);
	return p;
}

__attribute__((noinline)) void churn(void)
{
	for (int i = 0; i < 1000; i++) {
		void *volatile p = malloc(16);
		free(p);
	}
}

int main(void)
{
	mm_mark("load");
	for (int i = 0; i < 100; i++)
		nodes[i] = node_new();
	mm_mark("work");
	mm_category_push("mesh_data");
	for (int i = 0; i < 50; i++)
		buffers[i] = buffer_new();
	mm_category_pop();
	mm_metric("svo.nodes", 100);
	for (int i = 0; i < 50; i++)
		free(buffers[i]);
	mm_mark("churn");
	churn();
	mm_mark("end");
	for (int i = 0; i < 40; i++)
		free(nodes[i]);
	return 0;
}
