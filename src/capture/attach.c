/* attach.c: hello, welcome, map, close. */
#include "capture/attach.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "capture/forks.h"
#include "capture/hookstate.h"
#include "capture/rows.h"
#include "capture/syscalls.h"
#include "core/shm.h"

enum { TIMEOUT_S = 5 };

extern char **environ;

/* getenv() without its lock-free assumptions about who else edits. */
static const char *find_env(const char *name)
{
	size_t n = strlen(name);

	for (char **e = environ; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	size_t n = strlen(path);
	long fd, r;

	if (n == 0 || n >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, path, n + 1);
	fd = mm_sys(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return -1;
	mm_sys(SYS_setsockopt, (uint64_t)fd, SOL_SOCKET, SO_RCVTIMEO, mm_sys_ptr(&limit),
	       sizeof limit, 0);
	mm_sys(SYS_setsockopt, (uint64_t)fd, SOL_SOCKET, SO_SNDTIMEO, mm_sys_ptr(&limit),
	       sizeof limit, 0);
	r = mm_sys(SYS_connect, (uint64_t)fd, mm_sys_ptr(&to), sizeof to, 0, 0, 0);
	if (r == 0)
		return (int)fd;
	mm_sys(SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
	return -1;
}

static bool say_hello(int fd)
{
	struct mm_shm_hello hello = {
		.magic = MM_SHM_MAGIC, .version = MM_SHM_VERSION,
		.pid = (uint32_t)mm_sys0(SYS_getpid), .ppid = (uint32_t)mm_sys0(SYS_getppid),
		.stamp = mm_arch_stamp()
	};
	return mm_sys(SYS_sendto, (uint64_t)fd, mm_sys_ptr(&hello), sizeof hello,
		      MSG_NOSIGNAL, 0, 0) == (long)sizeof hello;
}

static int passed_fd(struct msghdr *m)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof fd))
			memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* The memfd, or -1. */
static int hear_welcome(int fd)
{
	struct mm_shm_welcome welcome = { 0 };
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { { 0 } };
	struct iovec iov = { &welcome, sizeof welcome };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.bytes,
			    .msg_controllen = sizeof ctl.bytes };
	long n;

	do
		n = mm_sys(SYS_recvmsg, (uint64_t)fd, mm_sys_ptr(&m), MSG_CMSG_CLOEXEC | MSG_WAITALL,
			   0, 0, 0);
	while (n == -EINTR);
	if (n <= 0)
		return -1;
	int memfd = passed_fd(&m);
	if (n == (long)sizeof welcome && welcome.magic == MM_SHM_MAGIC &&
	    welcome.version == MM_SHM_VERSION && welcome.refused == 0)
		return memfd;
	if (memfd >= 0)
		mm_sys(SYS_close, (uint64_t)memfd, 0, 0, 0, 0, 0);
	return -1;
}

static uint64_t first_size(void)
{
	const uint64_t max = (uint64_t)MM_SHM_MAP_MAX_GIB << 30;
	struct rlimit lim = { 0 };

	if (mm_sys(SYS_prlimit64, 0, RLIMIT_AS, 0, mm_sys_ptr(&lim), 0, 0) != 0 ||
	    lim.rlim_cur == RLIM_INFINITY || lim.rlim_cur / 16 >= max)
		return max;
	/* The program was given this much to live in: take little of it. */
	uint64_t want = (uint64_t)MM_SHM_MAP_MIN_MIB << 20;
	while (want * 2 <= lim.rlim_cur / 16)
		want *= 2;
	return want;
}

static bool map_memory(int memfd)
{
	uint64_t size = first_size();
	long at = -ENOMEM;

	for (; size >= (uint64_t)MM_SHM_MAP_MIN_MIB << 20; size /= 2) {
		at = mm_sys(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, (uint64_t)memfd, 0);
		if (at >= 0 || at < -4095)
			break;
	}
	if (at < 0 && at >= -4095)
		return false;
	struct mm_shm_control *c = (void *)at;
	uint32_t segs = (uint32_t)(size / MM_SEG_SIZE);
	if (c->magic != MM_SHM_MAGIC || c->version != MM_SHM_VERSION ||
	    c->first_seg >= segs) {
		mm_sys(SYS_munmap, (uint64_t)at, size, 0, 0, 0, 0);
		return false;
	}
	if (segs < atomic_load(&c->seg_limit))
		atomic_store(&c->seg_limit, segs);
	mm_sys(SYS_madvise, (uint64_t)at, size, MADV_DONTDUMP, 0, 0, 0);
	mm_target.base = c;
	mm_target.bytes = size;
	mm_target.options = c->options;
	mm_target.monotonic = c->clock_kind == MM_CLOCK_MONOTONIC;
	return true;
}

static bool get_memory(const char *path)
{
	int sock = connect_to(path);
	int memfd = -1;
	bool ok = false;

	if (sock < 0)
		return false;
	if (say_hello(sock))
		memfd = hear_welcome(sock);
	if (memfd >= 0) {
		ok = map_memory(memfd);
		mm_sys(SYS_close, (uint64_t)memfd, 0, 0, 0, 0, 0);
	}
	mm_sys(SYS_close, (uint64_t)sock, 0, 0, 0, 0, 0);
	return ok;
}

/* Takes our own name out of LD_PRELOAD=..., in place; true = nothing is left. */
static bool without_us(char *list)
{
	static const char us[] = "libmmprof.so";
	char *out = list;

	for (char *p = list; *p != '\0';) {
		size_t n = strcspn(p, ": ");
		size_t skip = p[n] != '\0' ? n + 1 : n;
		bool ours = n >= sizeof us - 1 &&
			    memcmp(p + n - (sizeof us - 1), us, sizeof us - 1) == 0;
		if (!ours) {
			memmove(out, p, skip);
			out += skip;
		}
		p += skip;
	}
	if (out > list && (out[-1] == ':' || out[-1] == ' '))
		out--;
	*out = '\0';
	return out == list;
}

/* Makes the environment such that children run without us. */
static void unfollow(void)
{
	static const char preload[] = "LD_PRELOAD=", sock[] = MM_ENV_SOCKET "=";
	char **out = environ;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		bool gone = strncmp(*e, sock, sizeof sock - 1) == 0;
		if (strncmp(*e, preload, sizeof preload - 1) == 0)
			gone = without_us(*e + sizeof preload - 1);
		if (!gone)
			*out++ = *e;
	}
	if (out != NULL)
		*out = NULL;
}

static bool begin(void)
{
	struct mm_shm_control *c = mm_target.base;
	struct mm_shm_process *p = mm_shm_process(c, 0);

	if (mm_shm_collector_gone(c) || mm_stack_bind(c, 0, c->depth) != 0)
		return false;
	mm_rows_prepare();
	p->pid = mm_target.pid;
	p->ppid = (uint32_t)mm_sys0(SYS_getppid);
	p->start_stamp = mm_hook_stamp();
	atomic_store_explicit(&p->state, MM_PROC_LIVE, memory_order_release);
	mm_sys(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
	mm_hook_gate_arm();
	mm_forks_watch();
	if (c->options & MM_OPT_NO_FOLLOW)
		unfollow();
	return true;
}

bool mm_attach(void)
{
	const char *path = find_env(MM_ENV_SOCKET);

	mm_target.pid = (uint32_t)mm_sys0(SYS_getpid);
	return path != NULL && getauxval(AT_SECURE) == 0 && get_memory(path) && begin();
}
