/* relay.c: handlers (relay.h). Handlers, not SIG_IGN: exec would hand that on. */
#include "collect/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static const int relayed[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
	SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH };
static const int muted[] = { SIGPIPE, SIGXFSZ, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO };

enum {
	RELAYED = sizeof relayed / sizeof *relayed, MUTED = sizeof muted / sizeof *muted,
	CHILDLESS = -1 /* for a child: it has ended */
};

static struct {
	struct mm_bell *bell;
	_Atomic pid_t child;
	_Atomic int asked; /* to end, since there is no child any more */
	int leader; /* of the session */
	sigset_t mask;
	struct sigaction relayed[RELAYED], muted[MUTED], chld;
} relay;

static void on_child(int sig)
{
	(void)sig;
	mm_bell_ring(relay.bell);
}

static void on_muted(int sig)
{
	(void)sig;
}

static int ends(int sig)
{
	return sig == SIGINT || sig == SIGQUIT || sig == SIGHUP || sig == SIGTERM;
}

/* The terminal sends to the whole foreground group, so the program has those
 * already; so it has what it sent to its own group. A terminal that goes away tells the
 * leader of its session alone. */
static void on_relayed(int sig, siginfo_t *info, void *context)
{
	pid_t child = atomic_load(&relay.child);
	int saved = errno, sent = info->si_code <= 0 && info->si_pid != child;

	(void)context;
	if (child > 0 && (sent || (sig == SIGHUP && relay.leader)))
		kill(child, sig);
	if (child == CHILDLESS && ends(sig)) {
		atomic_store(&relay.asked, 1);
		mm_bell_ring(relay.bell);
	}
	errno = saved;
}

static void take(int sig, const struct sigaction *want, struct sigaction *old)
{
	sigaction(sig, NULL, old);
	/* Ignored when we were started means ignored by the program, too. */
	if (!(old->sa_flags & SA_SIGINFO) && old->sa_handler == SIG_IGN && sig != SIGCHLD)
		return;
	sigaction(sig, want, NULL);
}

void mm_relay_begin(struct mm_bell *bell)
{
	struct sigaction pass = { .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction mute = { .sa_flags = SA_RESTART }, chld = { .sa_flags = SA_RESTART };
	sigset_t all;

	relay.bell = bell;
	relay.leader = getsid(0) == getpid();
	atomic_store(&relay.child, 0);
	atomic_store(&relay.asked, 0);
	pass.sa_sigaction = on_relayed;
	mute.sa_handler = on_muted;
	chld.sa_handler = on_child;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &relay.mask);
	for (size_t i = 0; i < RELAYED; i++)
		take(relayed[i], &pass, &relay.relayed[i]);
	for (size_t i = 0; i < MUTED; i++)
		take(muted[i], &mute, &relay.muted[i]);
	take(SIGCHLD, &chld, &relay.chld);
}

void mm_relay_restore(void)
{
	for (size_t i = 0; i < RELAYED; i++)
		sigaction(relayed[i], &relay.relayed[i], NULL);
	for (size_t i = 0; i < MUTED; i++)
		sigaction(muted[i], &relay.muted[i], NULL);
	sigaction(SIGCHLD, &relay.chld, NULL);
	sigprocmask(SIG_SETMASK, &relay.mask, NULL);
}

void mm_relay_open(pid_t child)
{
	sigset_t none;

	atomic_store(&relay.child, child);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void mm_relay_childless(void)
{
	atomic_store(&relay.child, CHILDLESS);
}

int mm_relay_is_asked(void)
{
	return atomic_load(&relay.asked);
}

void mm_relay_end(void)
{
	mm_relay_childless();
	mm_relay_restore();
}
