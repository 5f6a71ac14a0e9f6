/* symserver.c: debug files from debuginfod servers (mm_symfind_ask_server in symfind.h).
 *
 * Promise: without DEBUGINFOD_URLS nothing is loaded and nobody is asked; the client
 * library is looked up at run time, so mmprof does not need it.
 */
#include "symbol/symfind.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"

typedef struct debuginfod_client client_t;

struct server_library {
	client_t *(*begin)(void);
	int (*find)(client_t *, const unsigned char *, int, char **);
	void (*set_progress)(client_t *, int (*)(client_t *, long, long));
	void (*set_data)(client_t *, void *);
	void *(*get_data)(client_t *);
	void (*end)(client_t *);
};

static struct server_library server;

static int library_load(void)
{
	static void *handle;

	if (!handle)
		handle = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return 0;
	*(void **)&server.begin = dlsym(handle, "debuginfod_begin");
	*(void **)&server.find = dlsym(handle, "debuginfod_find_debuginfo");
	*(void **)&server.set_progress = dlsym(handle, "debuginfod_set_progressfn");
	*(void **)&server.set_data = dlsym(handle, "debuginfod_set_user_data");
	*(void **)&server.get_data = dlsym(handle, "debuginfod_get_user_data");
	*(void **)&server.end = dlsym(handle, "debuginfod_end");
	return server.begin && server.find && server.set_progress && server.set_data &&
	       server.get_data && server.end;
}

/* Called often while a transfer goes on: nonzero ends it. */
static int past_deadline(client_t *client, long done, long all)
{
	const uint64_t *deadline = server.get_data(client);
	struct timespec now;

	(void)done, (void)all;
	if (!deadline || !*deadline)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec > *deadline;
}

int mm_symfind_ask_server(struct mm_symelf **ret, const struct mm_symfind *f,
			  uint64_t deadline_ns)
{
	static int unreachable; /* one long wait is enough */
	const char *urls = getenv("DEBUGINFOD_URLS");
	char *path = NULL;

	if (!urls || !*urls || !f->build_id_len || unreachable || !library_load())
		return MM_EAGAIN;
	client_t *client = server.begin();
	if (!client)
		return MM_EAGAIN;
	server.set_data(client, &deadline_ns);
	server.set_progress(client, past_deadline);
	int fd = server.find(client, f->build_id, (int)f->build_id_len, &path);
	server.end(client);
	if (fd == -ENOENT)
		return MM_ENOENT;
	if (fd < 0) {
		unreachable = 1;
		return MM_EAGAIN;
	}
	close(fd);
	int err = mm_symelf_open(ret, path);
	free(path);
	return err ? MM_EAGAIN : MM_OK;
}
