/* server.c: the thread that answers hellos (server.h). */
#include "collect/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "collect/procfs.h"
#include "collect/stampclock.h"
#include "core/error.h"

enum { HELLO_MS = 500, FOLDER_MAX = 72, STALE_S = 10 };

struct mm_server {
	struct mm_image_options options;
	struct mm_bell *bell;
	int listener, event;
	int only_first;
	pid_t first; /* the process that came first; 0 = none yet */
	pthread_t thread;
	int running;
	pthread_mutex_t lock; /* of all below */
	int stop;
	struct mm_image *fresh, **fresh_end; /* welcomed, not yet fetched */
	struct mm_image *retired;
	char folder[FOLDER_MAX], path[FOLDER_MAX + 8];
};

/* --- the folder ------------------------------------------------------------ */

/* Nobody listens any more at this socket. */
static int is_deserted(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd, deserted;

	if (length >= sizeof a.sun_path)
		return 0;
	memcpy(a.sun_path, path, length);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	deserted = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) &&
		   errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return deserted;
}

static void sweep_one(const char *folder)
{
	char path[FOLDER_MAX + 64];
	struct stat st;

	/* One that is being made has a socket that does not listen yet. */
	if (lstat(folder, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mtime + STALE_S > time(NULL))
		return;
	snprintf(path, sizeof path, "%s/s", folder);
	if (!is_deserted(path))
		return;
	unlink(path);
	snprintf(path, sizeof path, "%s/libmmprof.so", folder);
	unlink(path);
	rmdir(folder);
}

/* A recorder that was killed could not clean up. */
static void sweep(const char *tmp)
{
	char folder[FOLDER_MAX + 32];
	DIR *d = opendir(tmp);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, "mmprof-", 7) == 0 && strlen(e->d_name) == 13) {
			snprintf(folder, sizeof folder, "%s/%.13s", tmp, e->d_name);
			sweep_one(folder);
		}
	closedir(d);
}

static int make_folder(struct mm_server *s, struct mm_diag *diag)
{
	const char *tmp = getenv("TMPDIR");

	/* A socket's path must fit 108 bytes. */
	if (!tmp || tmp[0] != '/' || strlen(tmp) > FOLDER_MAX - 20)
		tmp = "/tmp";
	sweep(tmp);
	snprintf(s->folder, sizeof s->folder, "%s/mmprof-XXXXXX", tmp);
	if (!mkdtemp(s->folder)) {
		s->folder[0] = '\0';
		return mm_fail_errno(diag, "cannot make a folder in %s", tmp);
	}
	snprintf(s->path, sizeof s->path, "%s/s", s->folder);
	return MM_OK;
}

static int make_socket(struct mm_server *s, struct mm_diag *diag)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", s->path);
	if (s->listener < 0 || s->event < 0 ||
	    bind(s->listener, (struct sockaddr *)&a, sizeof a) || listen(s->listener, 512))
		return mm_fail_errno(diag, "cannot listen on %s", s->path);
	return MM_OK;
}

int mm_server_create(struct mm_server **ret, const struct mm_image_options *options,
		     struct mm_bell *bell, struct mm_diag *diag)
{
	struct mm_server *s = calloc(1, sizeof *s);

	if (!s)
		return MM_ENOMEM;
	s->options = *options;
	s->bell = bell;
	s->listener = s->event = -1;
	s->fresh_end = &s->fresh;
	pthread_mutex_init(&s->lock, NULL);
	int err = make_folder(s, diag);
	if (!err)
		err = make_socket(s, diag);
	if (err) {
		mm_server_destroy(s);
		return err;
	}
	*ret = s;
	return MM_OK;
}

const char *mm_server_path(const struct mm_server *s)
{
	return s->path;
}

const char *mm_server_folder(const struct mm_server *s)
{
	return s->folder;
}

/* --- hello and welcome -------------------------------------------------------- */

static int read_hello(int fd, struct mm_shm_hello *h)
{
	struct timeval tv = { .tv_usec = HELLO_MS * 1000 };
	size_t have = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	while (have < sizeof *h) {
		ssize_t n = recv(fd, (char *)h + have, sizeof *h - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return MM_EIO;
		have += (size_t)n;
	}
	return h->magic == MM_SHM_MAGIC && h->version == MM_SHM_VERSION ? MM_OK : MM_EINVAL;
}

static int send_welcome(int fd, int memory)
{
	struct mm_shm_welcome welcome = { MM_SHM_MAGIC, MM_SHM_VERSION, memory < 0 };
	struct iovec iov = { &welcome, sizeof welcome };
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (memory >= 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = &control;
		msg.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &memory, sizeof memory);
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof welcome ? MM_OK : MM_EIO;
}

/* Under the lock, so that whoever sees the target's end finds its image. */
static int send_and_publish(struct mm_server *s, int fd, int memory, struct mm_image *image)
{
	pthread_mutex_lock(&s->lock);
	int err = send_welcome(fd, memory);
	if (!err && image) {
		image->next = NULL;
		*s->fresh_end = image;
		s->fresh_end = &image->next;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

static void meet(struct mm_image *image, pid_t pid)
{
	struct mm_procfs_state state;

	image->pid = pid;
	image->exe = mm_procfs_exe(pid);
	image->cmd = mm_procfs_cmd(pid);
	image->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	image->ppid = mm_procfs_state(pid, &state) ? 0 : state.ppid;
}

static void welcome(struct mm_server *s, int fd, const struct mm_shm_hello *h, pid_t pid)
{
	struct mm_image *image = NULL;
	int memory = -1;

	if (s->first == 0)
		s->first = pid;
	if ((!s->only_first || s->first == pid) &&
	    mm_image_create(&image, &s->options, &memory, NULL))
		memory = -1;
	if (image) {
		image->hello_pid = h->pid;
		/* The target does not know yet which clock is meant. */
		image->hello_stamp = s->options.clock_kind == MM_CLOCK_MONOTONIC ?
			mm_monotonic_ns() : h->stamp;
		meet(image, pid);
	}
	int err = send_and_publish(s, fd, memory, image);
	if (memory >= 0)
		close(memory);
	if (err)
		mm_image_destroy(image);
	else if (image)
		mm_bell_ring(s->bell);
}

static void answer(struct mm_server *s)
{
	struct mm_shm_hello h;
	struct ucred who;
	socklen_t len = sizeof who;
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) && !read_hello(fd, &h))
		welcome(s, fd, &h, who.pid);
	close(fd);
}

/* --- the thread ------------------------------------------------------------------- */

static int destroy_retired(struct mm_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct mm_image *list = s->retired;
	int stop = s->stop;
	s->retired = NULL;
	pthread_mutex_unlock(&s->lock);
	while (list) {
		struct mm_image *next = list->next;
		mm_image_destroy(list);
		list = next;
	}
	return stop;
}

static void *serve(void *server)
{
	struct mm_server *s = server;
	struct pollfd p[2] = { { s->listener, POLLIN, 0 }, { s->event, POLLIN, 0 } };
	uint64_t count;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents && read(s->event, &count, sizeof count) > 0 &&
		    destroy_retired(s))
			break;
		if (p[0].revents)
			answer(s);
	}
	/* The lock of a robust mutex is let go by the thread that holds it. */
	pthread_mutex_lock(&s->lock);
	struct mm_image *list = s->fresh;
	s->fresh = NULL;
	pthread_mutex_unlock(&s->lock);
	while (list) {
		struct mm_image *next = list->next;
		mm_image_destroy(list);
		list = next;
	}
	return NULL;
}

int mm_server_start(struct mm_server *s, int only_first, struct mm_diag *diag)
{
	sigset_t all, old;

	s->only_first = only_first;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(&s->thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e) {
		errno = e;
		return mm_fail_errno(diag, "cannot start a thread");
	}
	s->running = 1;
	return MM_OK;
}

struct mm_image *mm_server_next(struct mm_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct mm_image *i = s->fresh;
	if (i) {
		s->fresh = i->next;
		i->next = NULL;
		if (!s->fresh)
			s->fresh_end = &s->fresh;
	}
	pthread_mutex_unlock(&s->lock);
	return i;
}

static void poke(struct mm_server *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->event, &one, sizeof one);
	(void)n; /* full means it is awake already */
}

void mm_server_retire(struct mm_server *s, struct mm_image *image)
{
	pthread_mutex_lock(&s->lock);
	image->next = s->retired;
	s->retired = image;
	pthread_mutex_unlock(&s->lock);
	poke(s);
}

void mm_server_destroy(struct mm_server *s)
{
	if (!s)
		return;
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->stop = 1;
		pthread_mutex_unlock(&s->lock);
		poke(s);
		pthread_join(s->thread, NULL);
	}
	if (s->listener >= 0)
		close(s->listener);
	if (s->event >= 0)
		close(s->event);
	if (s->path[0])
		unlink(s->path);
	if (s->folder[0])
		rmdir(s->folder);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
