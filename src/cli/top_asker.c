/* top_asker.c: a thread between the view and its source (top_asker.h). */
#include "cli/top_asker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/error.h"

struct answer {
	int there, err;
	struct mm_question question;
	struct mm_report *report;
	struct mm_diag diag;
};

struct mm_top_asker {
	const struct mm_source *inner;
	struct mm_source view;
	pthread_t thread;
	int wake;                 /* an eventfd */
	pthread_mutex_t lock;     /* of all below */
	pthread_cond_t work;
	int stop, asked, look;    /* for the thread to do */
	struct mm_question question;
	struct mm_question doing;
	int busy;                 /* with that one */
	struct answer answer;
	int found, got;           /* by refresh */
	struct mm_diag diag;
	enum mm_source_state state;
	int pending;
};

/* --- the thread ------------------------------------------------------------------------------ */

static void ring(struct mm_top_asker *a)
{
	uint64_t one = 1;
	ssize_t sent = write(a->wake, &one, sizeof one);

	(void)sent; /* it is full: it can be read */
}

static void look(struct mm_top_asker *a)
{
	struct mm_diag diag = { "" };

	pthread_mutex_unlock(&a->lock);
	int got = a->inner->refresh(a->inner->ctx, &diag);
	enum mm_source_state state = a->inner->state(a->inner->ctx);
	int pending = a->inner->pending(a->inner->ctx);
	pthread_mutex_lock(&a->lock);
	a->look = 0;
	/* What was not taken yet counts on. */
	a->got = a->found && a->got > 0 && got == 0 ? a->got : got;
	a->found = 1;
	a->diag = diag;
	a->state = state;
	a->pending = pending;
	if (got)
		ring(a);
}

static void answer(struct mm_top_asker *a)
{
	struct answer fresh = { .there = 1, .question = a->question };

	a->asked = 0;
	a->doing = a->question;
	a->busy = 1;
	pthread_mutex_unlock(&a->lock);
	fresh.err = a->inner->report(a->inner->ctx, &fresh.question, &fresh.report, &fresh.diag);
	int pending = a->inner->pending(a->inner->ctx);
	pthread_mutex_lock(&a->lock);
	if (a->answer.there && !a->answer.err)
		mm_report_free(a->answer.report); /* nobody came for it */
	a->answer = fresh;
	a->busy = 0;
	a->pending = pending;
	ring(a);
}

static void *work(void *ctx)
{
	struct mm_top_asker *a = ctx;

	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		if (a->asked)
			answer(a);
		else if (a->look)
			look(a);
		else
			pthread_cond_wait(&a->work, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* --- the view's side ------------------------------------------------------------------------- */

static int report(void *ctx, const struct mm_question *q, struct mm_report **ret,
		  struct mm_diag *diag)
{
	struct mm_top_asker *a = ctx;
	int err = MM_EAGAIN;

	pthread_mutex_lock(&a->lock);
	if (a->answer.there && mm_question_same(&a->answer.question, q)) {
		err = a->answer.err;
		if (!err)
			*ret = a->answer.report;
		else if (diag)
			*diag = a->answer.diag;
		a->answer.there = 0;
	} else if (!a->busy || !mm_question_same(&a->doing, q)) {
		a->question = *q;
		a->asked = 1;
		pthread_cond_signal(&a->work);
	}
	pthread_mutex_unlock(&a->lock);
	return err;
}

static int refresh(void *ctx, struct mm_diag *diag)
{
	struct mm_top_asker *a = ctx;
	int got = 0;

	pthread_mutex_lock(&a->lock);
	if (a->found && a->got) {
		got = a->got;
		if (got < 0 && diag)
			*diag = a->diag;
	} else {
		a->look = 1;
		pthread_cond_signal(&a->work);
	}
	a->found = 0;
	pthread_mutex_unlock(&a->lock);
	return got;
}

static enum mm_source_state state(void *ctx)
{
	struct mm_top_asker *a = ctx;

	pthread_mutex_lock(&a->lock);
	enum mm_source_state s = a->state;
	pthread_mutex_unlock(&a->lock);
	return s;
}

static int pending(void *ctx)
{
	struct mm_top_asker *a = ctx;

	pthread_mutex_lock(&a->lock);
	int p = a->pending;
	pthread_mutex_unlock(&a->lock);
	return p;
}

/* Of the report alone: the thread does not mind. */
static int json(void *ctx, const struct mm_report *r, FILE *out)
{
	struct mm_top_asker *a = ctx;

	return a->inner->json(a->inner->ctx, r, out);
}

int mm_top_asker_fd(const struct mm_top_asker *a)
{
	return a->wake;
}

int mm_top_asker_heard(struct mm_top_asker *a)
{
	uint64_t n;
	ssize_t got = read(a->wake, &n, sizeof n);

	(void)got;
	pthread_mutex_lock(&a->lock);
	int found = a->found && a->got;
	pthread_mutex_unlock(&a->lock);
	return found;
}

const struct mm_source *mm_top_asker_view(struct mm_top_asker *a)
{
	return &a->view;
}

/* --- opening and closing --------------------------------------------------------------------- */

/* Signals are for the thread that has the terminal. */
static int start(struct mm_top_asker *a)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&a->thread, NULL, work, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? MM_ENOMEM : MM_OK;
}

int mm_top_asker_open(struct mm_top_asker **ret, const struct mm_source *inner)
{
	struct mm_top_asker *a = calloc(1, sizeof *a);

	if (!a)
		return MM_ENOMEM;
	a->inner = inner;
	a->state = inner->state(inner->ctx);
	a->pending = inner->pending(inner->ctx);
	a->view = (struct mm_source){ .ctx = a, .name = inner->name, .report = report,
		.refresh = refresh, .pending = pending, .state = state, .json = json };
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->wake < 0 || start(a)) {
		if (a->wake >= 0)
			close(a->wake);
		free(a);
		return MM_EIO;
	}
	*ret = a;
	return MM_OK;
}

void mm_top_asker_close(struct mm_top_asker *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = 1;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	if (a->answer.there && !a->answer.err)
		mm_report_free(a->answer.report);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->lock);
	close(a->wake);
	free(a);
}
