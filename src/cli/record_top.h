/* record_top.h: recording a command and showing it on the full screen at the same time.
 *
 * The recorder is a process of its own, so that it goes on whatever becomes of the view; the
 * command finds no terminal: its standard input is empty, and what it writes goes to files
 * beside the trace unless it was redirected.
 */
#ifndef MM_CLI_RECORD_TOP_H
#define MM_CLI_RECORD_TOP_H

struct mm_record_top {
	const char *trace;
	const char *categories;    /* NULL none */
	int (*record)(void *ctx);  /* in the recorder: gives its exit status */
	void *ctx;
	/* Chained: what is to be done in the process that becomes the command. */
	void (*in_child)(void *ctx);
	void *in_child_ctx;
	/* Set by mm_record_top: the command's streams, -1 = as they are; who waits for it. */
	int in, out, err, started;
};

/* For struct mm_collect_options: gives the command its streams; ctx = the mm_record_top. */
void mm_record_top_in_child(void *ctx);

/* In the recorder: the command runs, and the trace of that name is this recording's. NULL is
 * fine. */
void mm_record_top_started(const struct mm_record_top *q);

/* Starts the recorder, shows the trace until the person quits, waits for the recorder and
 * passes on what it said. Signals that are sent to this process are the recorder's, as if there
 * were no view. The command's exit status, or that of our failure. */
int mm_record_top(struct mm_record_top *q);

#endif
