/* record_run.h: recording for other verbs than record, with its defaults. */
#ifndef MM_CLI_RECORD_RUN_H
#define MM_CLI_RECORD_RUN_H

struct mm_record_run {
	char **argv;         /* the command */
	const char *output;  /* the trace, as record's --output */
	const char *behind;  /* path of a library that is loaded behind the hooks */
	void (*in_child)(void *ctx); /* in the process that becomes the command; may be NULL */
	void *in_child_ctx;
	int top;             /* with the full screen (record_top.h) */
	const char *source;  /* of the trace: FORMAT.md */
};

/* Runs and records; says what went wrong. The exit status. */
int mm_record_run(const struct mm_record_run *q);

#endif
