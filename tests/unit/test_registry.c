/* test_registry.c: recordings noted by one process and found by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/registry.h"
#include "core/error.h"

static char run_dir[256], folder[300];

static int make_folder(void **state)
{
	(void)state;
	snprintf(run_dir, sizeof run_dir, "%s/mm-registry-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(run_dir))
		return -1;
	snprintf(folder, sizeof folder, "%s/mmprof", run_dir);
	return setenv("XDG_RUNTIME_DIR", run_dir, 1);
}

static int drop_folder(void **state)
{
	char command[400];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", run_dir);
	return system(command);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

/* --- a recorder ----------------------------------------------------------------------------------- */

struct recorder { pid_t pid; int ready, go; };

/* A process that notes a recording; told to go, it takes the note back and ends. */
static struct recorder begin(const char *trace, const char *cmd, uint64_t since)
{
	struct mm_registry_entry e = { .command = 4242, .start_unix_ns = since };
	int ready[2], go[2];
	char c = 0;

	snprintf(e.trace, sizeof e.trace, "%s", trace);
	snprintf(e.cmd, sizeof e.cmd, "%s", cmd);
	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		c = (char)-mm_registry_add(&e);
		if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) < 0)
			_exit(1);
		mm_registry_remove();
		_exit(0);
	}
	close(go[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 0);
	return (struct recorder){ pid, ready[0], go[1] };
}

static void finish(struct recorder *r)
{
	/* A word, not a closed pipe: those that came later have its end, too. */
	if (write(r->go, "", 1) != 1)
		print_message("it is gone already\n");
	close(r->go);
	close(r->ready);
	assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
}

static size_t list(struct mm_registry_entry **ret)
{
	size_t count = 99;

	assert_int_equal(mm_registry_list(ret, &count), 0);
	return count;
}

static size_t count_listed(void)
{
	struct mm_registry_entry *all;
	size_t n = list(&all);

	free(all);
	return n;
}

static int files(char last[300])
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	int n = 0;

	while (dir && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..")) {
			snprintf(last, 300, "%.299s", d->d_name);
			n++;
		}
	if (dir)
		closedir(dir);
	return n;
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void noted_and_taken_back(void **state)
{
	static const char trace[] = "/a b/%41\n\x1b[2J.bin", cmd[] = "./app 'x\ny' 100%";
	struct mm_registry_entry *all;
	struct stat st;
	char name[300];

	(void)state;
	assert_int_equal(count_listed(), 0);
	struct recorder a = begin(trace, cmd, 5), b = begin("/b.bin", "", 9);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(list(&all), 2);
	assert_string_equal(all[0].trace, "/b.bin"); /* the newest first */
	assert_string_equal(all[1].trace, trace);
	assert_string_equal(all[1].cmd, cmd);
	assert_int_equal(all[1].recorder, a.pid);
	assert_int_equal(all[1].command, 4242);
	assert_int_equal(all[1].start_unix_ns, 5);
	assert_true(mm_registry_lives(&all[1]));
	finish(&a);
	assert_false(mm_registry_lives(&all[1]));
	free(all);
	assert_int_equal(count_listed(), 1);
	finish(&b);
	assert_int_equal(count_listed(), 0);
	assert_int_equal(files(name), 0);
}

static void one_that_is_killed(void **state)
{
	struct recorder a = begin("/a.bin", "a", 1);
	struct mm_registry_entry *all;
	char name[300];

	(void)state;
	assert_int_equal(list(&all), 1);
	kill(a.pid, SIGKILL);
	while (mm_registry_lives(&all[0])) /* also as a zombie it is gone */
		usleep(1000);
	free(all);
	assert_int_equal(files(name), 1);
	assert_int_equal(count_listed(), 0);
	assert_int_equal(files(name), 0);
	finish(&a);
}

/* Replaces a number of an entry in its text. */
static void set_number(const char *key, unsigned long long value)
{
	char name[300], path[700], text[2048], *at;

	assert_int_equal(files(name), 1);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "r+");
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	assert_non_null(at = strstr(text, key));
	rewind(f);
	fwrite(text, 1, (size_t)(at - text), f);
	fprintf(f, "%s%llu%s", key, value, at + strcspn(at, "\n"));
	assert_int_equal(ftruncate(fileno(f), ftell(f)), 0);
	fclose(f);
}

static void a_number_used_again(void **state)
{
	struct recorder a = begin("/a.bin", "a", 1);
	char name[300];

	(void)state;
	set_number("recorder_start ", 12345678901);
	assert_int_equal(count_listed(), 0);
	assert_int_equal(files(name), 0);
	finish(&a);
}

static void numbers_of_another_namespace(void **state)
{
	struct recorder a = begin("/a.bin", "a", 1);
	char name[300];

	(void)state;
	set_number("space ", 1);
	set_number("recorder ", 1);
	assert_int_equal(count_listed(), 0);
	assert_int_equal(files(name), 1); /* theirs to remove */
	finish(&a);
}

static void put(const char *name, const char *text)
{
	char path[700];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void nonsense_goes(void **state)
{
	struct recorder a = begin("/a.bin", "a", 1);
	char name[300], path[700];
	struct mm_registry_entry *all;

	(void)state;
	put("11", "");
	put("22", "recorder 1\n");
	put("33", "recorder 1\nrecorder_start 2\ntrace relative\ncmd x\n");
	put("44", "trace /x\ncmd %");
	snprintf(path, sizeof path, "%s/55", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/66", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(list(&all), 1);
	assert_int_equal(all[0].recorder, a.pid);
	free(all);
	assert_int_equal(files(name), 1);
	finish(&a);
}

static void expect_refused(void)
{
	struct mm_registry_entry e = { .trace = "/a.bin" }, *all = (void *)1;
	size_t count = 99;

	assert_int_equal(mm_registry_add(&e), MM_EPERM);
	assert_int_equal(mm_registry_list(&all, &count), MM_EPERM);
	assert_ptr_equal(all, (void *)1);
	assert_int_equal(count, 99);
	mm_registry_remove();
}

static void a_folder_that_others_see(void **state)
{
	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	expect_refused();
}

static void a_link_for_a_folder(void **state)
{
	(void)state;
	assert_int_equal(symlink(run_dir, folder), 0);
	assert_int_equal(chmod(run_dir, 0700), 0);
	expect_refused();
}

static void another_users_folder(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chown(folder, 12345, 12345), 0);
	expect_refused();
}

/* Whoever cannot open another file knows nothing of the entries, and takes none away. */
static void without_descriptors_nothing_goes(void **state)
{
	struct recorder a = begin("/a.bin", "a", 1);
	struct rlimit before, few;
	char name[300];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (rlim_t more = 0; more < 4; more++) {
		struct mm_registry_entry *all = NULL;
		size_t count;
		int next = open("/dev/null", O_RDONLY);
		close(next);
		few = (struct rlimit){ (rlim_t)next + more, before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		if (mm_registry_list(&all, &count) == 0)
			free(all);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(files(name), 1);
	}
	assert_int_equal(count_listed(), 1);
	finish(&a);
}

static void paths(void **state)
{
	char path[PATH_MAX], want[PATH_MAX] = "unchanged", got[PATH_MAX];

	(void)state;
	assert_int_equal(mm_registry_path("/x.bin", got), 0);
	assert_string_equal(got, "/x.bin");
	assert_int_equal(mm_registry_path("/nowhere/x.bin", want), MM_ENOENT);
	assert_string_equal(want, "unchanged");
	snprintf(path, sizeof path, "%s/../%s/./x.bin", run_dir, strrchr(run_dir, '/') + 1);
	assert_non_null(realpath(run_dir, want));
	strcat(want, "/x.bin");
	assert_int_equal(mm_registry_path(path, got), 0);
	assert_string_equal(got, want);
	assert_int_equal(chdir(run_dir), 0);
	assert_int_equal(mm_registry_path("x.bin", got), 0);
	assert_string_equal(got, want);
	assert_int_equal(chdir("/"), 0);
}

static void no_folder_to_be_had(void **state)
{
	struct mm_registry_entry e = { .trace = "/a.bin" };

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/nowhere/at/all", 1);
	assert_true(mm_registry_add(&e) < 0);
	assert_int_equal(count_listed(), 0);
	mm_registry_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(noted_and_taken_back),
		IN_FOLDER(one_that_is_killed),
		IN_FOLDER(a_number_used_again),
		IN_FOLDER(numbers_of_another_namespace),
		IN_FOLDER(nonsense_goes),
		IN_FOLDER(a_folder_that_others_see),
		IN_FOLDER(a_link_for_a_folder),
		IN_FOLDER(another_users_folder),
		IN_FOLDER(without_descriptors_nothing_goes),
		IN_FOLDER(paths),
		IN_FOLDER(no_folder_to_be_had),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
