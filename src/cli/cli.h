/* cli.h: what the verbs of the command line share.
 *
 * Promise: every verb takes GNU long options, answers --help and --version, and
 * says what went wrong in one line on stderr that begins with "mmprof VERB: ".
 * Vocabulary: verb = `record`, `report` ...; option table = the one description of a
 * verb's options, from which both parsing and --help are made; trouble = the exit
 * status of our own failures.
 * This floor alone may print and exit. Single-threaded.
 */
#ifndef MM_CLI_CLI_H
#define MM_CLI_CLI_H

#include <stddef.h>

#include "base/diag.h"

/* Exit statuses. `record` and `run` give the command's own status (128 + signal). */
enum mm_cli_exit {
	MM_CLI_OK = 0,
	MM_CLI_TROUBLE = 2,          /* any other verb: bad usage, bad input */
	MM_CLI_RECORD_FAILED = 125,  /* record: ours, bad options and refusals included */
	MM_CLI_RECORD_CANNOT = 126,  /* record: the command cannot be executed */
	MM_CLI_RECORD_NOTFOUND = 127 /* record: there is no such command */
};

struct mm_cli_verb {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] = the verb; gives the exit status */
	const char *summary;               /* one line for `mmprof --help` */
};

/* Weak: a build without one of them leaves its verb out. */
#define MM_CLI_VERB __attribute__((weak))
int mm_cmd_record(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_report(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_replay(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_run(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_cat(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_symbolize(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_import(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_top(int argc, char **argv) MM_CLI_VERB;
int mm_cmd_doctor(int argc, char **argv) MM_CLI_VERB;

/* --- messages ------------------------------------------------------------- */

/* "mmprof VERB: " text "\n" on stderr. */
void mm_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mm_cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As mm_cli_error with the diag's text, or that of the code where it has none. */
void mm_cli_fail(const struct mm_diag *diag, int err);

/* "Try 'mmprof VERB --help' for more information." on stderr. */
void mm_cli_hint(void);

/* Flushes stdout and reports what could not be written (a full disk, a closed
 * pipe): status when all went well, else `trouble`. Call before returning. */
int mm_cli_flush(int status, int trouble);

/* --- options ---------------------------------------------------------------- */

struct mm_cli_option {
	const char *name; /* "output" for --output; never NULL */
	char letter;      /* 'o' for -o; 0 = none */
	const char *arg;  /* name of its argument in --help; NULL = takes none;
	                     "[=callers]" = may be left out (value is NULL then) */
	const char *help; /* may hold '\n' */
};

struct mm_cli_command {
	const char *verb;
	const char *usage; /* "[OPTION]... [TRACE]" */
	const char *about; /* a sentence or two */
	const char *more;  /* shown after the options; NULL = nothing */
	const struct mm_cli_option *options;
	size_t option_count;
	int trouble;       /* status for bad usage: MM_CLI_TROUBLE or ..._RECORD_FAILED */
	int stop_at_operand; /* options end at the first operand (record, run) */
};

/* Progress of one parse; the caller's memory. */
struct mm_cli_parse {
	const struct mm_cli_command *command;
	int argc;
	char **argv;
	int status;     /* to exit with when mm_cli_next gave MM_CLI_STOP */
	const char *value; /* argument of the option just returned */
	int operand;    /* index of the first operand in argv, after MM_CLI_END */
};

enum { MM_CLI_END = -1, MM_CLI_STOP = -2 };

void mm_cli_begin(struct mm_cli_parse *p, const struct mm_cli_command *command, int argc,
		  char **argv);

/* Index in the option table of the next option, MM_CLI_END after the last, or
 * MM_CLI_STOP when --help or --version was answered or the usage was wrong (said
 * already): return p->status then. */
int mm_cli_next(struct mm_cli_parse *p);

/* Says what is wrong with the usage, adds the hint, and gives the status:
 *     return mm_cli_usage(&p, "--depth: '%s' is not a number", p.value); */
int mm_cli_usage(const struct mm_cli_parse *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- for main ------------------------------------------------------------------ */

/* The verb that messages name; NULL before one is known. */
void mm_cli_set_verb(const char *verb);

/* The name of `names` (NULL-terminated) that `text` most likely meant, or NULL. */
const char *mm_cli_suggest(const char *text, const char *const *names);

/* The GNU version text on stdout. */
void mm_cli_version(void);

#endif
