/* record_top.c: a recorder and a view side by side (record_top.h). */
#include "cli/record_top.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/registry.h"
#include "base/term.h"
#include "cli/cli.h"
#include "cli/top_source.h"
#include "cli/top_view.h"
#include "core/error.h"
#include "tui/tty.h"

enum { NAMES_MOST = 100 };

struct side { /* the two of them */
	struct mm_record_top *q;
	pid_t recorder;
	int said;                      /* what the recorder says, as a file */
	int started;                   /* a byte comes when the command runs, or the end */
	int gone, status, killed;      /* of the recorder; by this signal */
	char out[PATH_MAX], err[PATH_MAX]; /* names; "" = not ours */
};

/* --- the command's streams ------------------------------------------------------------------- */

void mm_record_top_in_child(void *ctx)
{
	const struct mm_record_top *q = ctx;

	if (q->in >= 0)
		dup2(q->in, STDIN_FILENO);
	if (q->out >= 0)
		dup2(q->out, STDOUT_FILENO);
	if (q->err >= 0)
		dup2(q->err, STDERR_FILENO);
	if (q->in_child)
		q->in_child(q->in_child_ctx);
}

/* A file that nobody has: TRACE.out, TRACE.out.2, ... */
static int open_fresh(const char *trace, const char *end, char name[PATH_MAX])
{
	for (int i = 1; i < NAMES_MOST; i++) {
		int n = i == 1 ? snprintf(name, PATH_MAX, "%s.%s", trace, end)
			       : snprintf(name, PATH_MAX, "%s.%s.%d", trace, end, i);
		if (n >= PATH_MAX)
			return -1;
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static int open_streams(struct side *s)
{
	struct mm_record_top *q = s->q;

	q->out = q->err = -1;
	q->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (mm_term_is(STDOUT_FILENO) && (q->out = open_fresh(q->trace, "out", s->out)) < 0)
		return MM_EIO;
	if (mm_term_is(STDERR_FILENO) && (q->err = open_fresh(q->trace, "err", s->err)) < 0)
		return MM_EIO;
	return q->in < 0 ? MM_EIO : MM_OK;
}

static void close_streams(struct side *s)
{
	const int fds[] = { s->q->in, s->q->out, s->q->err, s->said, s->started };

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* What holds nothing is of no use to anybody. */
static void drop_empty(const char *name)
{
	struct stat st;

	if (name[0] && stat(name, &st) == 0 && st.st_size == 0)
		unlink(name);
}

/* --- signals --------------------------------------------------------------------------------- */

static const int passed[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM };

enum { PASSED = sizeof passed / sizeof *passed };

static struct {
	_Atomic pid_t recorder; /* 0 = none any more */
	struct sigaction before[PASSED];
} passing;

/* What is typed is sent to the command by the terminal itself. One that hangs up may tell
 * nobody but us. */
static void on_passed(int sig, siginfo_t *info, void *context)
{
	pid_t recorder = atomic_load(&passing.recorder);
	int saved = errno;

	(void)context;
	if (recorder > 0 && (info->si_code <= 0 || sig == SIGHUP))
		kill(recorder, sig);
	errno = saved;
}

static void pass_signals(pid_t recorder)
{
	struct sigaction pass = { .sa_flags = SA_SIGINFO | SA_RESTART };

	pass.sa_sigaction = on_passed;
	atomic_store(&passing.recorder, recorder);
	for (int i = 0; i < PASSED; i++) {
		sigaction(passed[i], NULL, &passing.before[i]);
		if (passing.before[i].sa_handler != SIG_IGN)
			sigaction(passed[i], &pass, NULL);
	}
}

static void keep_signals(void)
{
	atomic_store(&passing.recorder, 0);
	for (int i = 0; i < PASSED; i++)
		sigaction(passed[i], &passing.before[i], NULL);
}

/* --- the recorder ---------------------------------------------------------------------------- */

void mm_record_top_started(const struct mm_record_top *q)
{
	if (q && write(q->started, "", 1) != 1)
		return; /* nobody waits any more */
}

__attribute__((noreturn)) static void be_recorder(struct side *s, const sigset_t *mask)
{
	dup2(s->said, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, mask, NULL);
	int status = s->q->record(s->q->ctx);
	fflush(NULL);
	_exit(status);
}

/* No signal finds us with a recorder that it is not passed on to. */
static int fork_recorder(struct side *s)
{
	sigset_t all, mask;

	fflush(NULL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	s->recorder = fork();
	if (s->recorder == 0)
		be_recorder(s, &mask);
	int e = errno;
	if (s->recorder > 0)
		pass_signals(s->recorder);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = e;
	return s->recorder < 0 ? MM_EIO : MM_OK;
}

static int start(struct side *s)
{
	int ends[2];
	FILE *said = tmpfile();

	if (!said)
		return MM_EIO;
	s->said = fcntl(fileno(said), F_DUPFD_CLOEXEC, 3);
	fclose(said);
	if (s->said < 0 || pipe2(ends, O_CLOEXEC))
		return MM_EIO;
	s->q->started = ends[1];
	s->started = ends[0];
	int err = fork_recorder(s);
	close(ends[1]);
	return err;
}

static int look(struct side *s, int wait)
{
	int status;
	pid_t got;

	if (s->gone)
		return 1;
	while ((got = waitpid(s->recorder, &status, wait ? 0 : WNOHANG)) < 0 && errno == EINTR)
		;
	if (got != s->recorder)
		return 0;
	atomic_store(&passing.recorder, 0);
	s->gone = 1;
	s->killed = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	s->status = s->killed ? MM_CLI_RECORD_FAILED : WEXITSTATUS(status);
	return 1;
}

static void pass_on(struct side *s)
{
	char text[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(s->said, text, sizeof text, at)) > 0) {
		fwrite(text, 1, (size_t)n, stderr);
		at += n;
	}
}

/* --- the view -------------------------------------------------------------------------------- */

/* The trace of this recorder, once the command runs. MM_ENOENT when it does not. */
static int open_trace(struct side *s, struct mm_top_source **ret, struct mm_registry_entry *entry,
		      struct mm_diag *diag)
{
	struct mm_top_source_options o = { .trace = s->q->trace, .categories = s->q->categories,
		.live = entry };
	ssize_t n;
	char c;

	while ((n = read(s->started, &c, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		return MM_ENOENT;
	int err = mm_top_source_open(ret, &o, diag);
	if (err)
		mm_cli_warn("%s", mm_diag_text(diag, err));
	return err;
}

static void show(struct side *s, struct mm_top_source *source)
{
	struct mm_top_view v = { .delay_ns = 1000000000, .colour = mm_term_wants_colours(),
		.stay = 1 };
	struct mm_diag diag = { "" };
	char hello[2 * PATH_MAX + 64];
	int err;

	v.top.ascii = !mm_term_utf8();
	snprintf(hello, sizeof hello, "what it writes: %s%s%s", s->out, s->out[0] && s->err[0] ? ", " : "",
		 s->err);
	v.hello = s->out[0] || s->err[0] ? hello : NULL;
	mm_top_view(&v, mm_top_source_view(source), &diag, &err);
	if (err)
		mm_cli_warn("%s", mm_diag_text(&diag, err));
	if (mm_tty_signal() && !look(s, 0))
		kill(s->recorder, mm_tty_signal());
}

static void tell_files(const struct side *s)
{
	struct stat st;

	if (s->out[0] && stat(s->out, &st) == 0)
		fprintf(stderr, "[mmprof] standard output: %s\n", s->out);
	if (s->err[0] && stat(s->err, &st) == 0)
		fprintf(stderr, "[mmprof] standard error: %s\n", s->err);
}

/* What is typed now is meant for the command, as in any recording. */
static void wait_for_recorder(struct side *s, int shown)
{
	if (shown && !look(s, 0))
		fprintf(stderr, "[mmprof] the recording goes on; Ctrl-C ends the program\n");
	look(s, 1);
	keep_signals();
	if (s->killed)
		mm_cli_error("the recorder was killed by signal %d: %s holds what it had written, and the "
			     "program runs on unseen", s->killed, s->q->trace);
}

int mm_record_top(struct mm_record_top *q)
{
	struct side s = { .q = q, .said = -1, .started = -1 };
	struct mm_registry_entry entry;
	struct mm_top_source *source = NULL;
	struct mm_diag diag = { "" };
	int err = open_streams(&s);

	if (!err)
		err = start(&s);
	if (err) {
		mm_cli_error("%s: %s", q->trace, strerror(errno));
		close_streams(&s);
		return MM_CLI_RECORD_FAILED;
	}
	mm_registry_of(s.recorder, &entry);
	if (open_trace(&s, &source, &entry, &diag) == MM_OK) {
		show(&s, source);
		mm_top_source_close(source);
	}
	wait_for_recorder(&s, source != NULL);
	drop_empty(s.out);
	drop_empty(s.err);
	pass_on(&s);
	tell_files(&s);
	close_streams(&s);
	return s.status;
}
