/* victim: runs itself set-user-ID as another user, so that the loader is in secure
 * mode there. As an ordinary user it only says so.
 * root: yes
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0 ||
	    sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size ||
	    fchown(out, 1, 1) != 0 || fchmod(out, 06755) != 0)
		return -1;
	close(in);
	return close(out);
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/victim.XXXXXX/x";
	int status = -1;

	if (argc > 1) {
		free(malloc(100));
		printf("secure %lu\n", getauxval(AT_SECURE));
		return 8;
	}
	path[18] = '\0';
	if (!mkdtemp(path) || chmod(path, 0755) != 0)
		return 1;
	path[18] = '/';
	if (copy_self(path) != 0)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(3);
		execl(path, argv[0], "child", (char *)NULL);
		_exit(4);
	}
	waitpid(pid, &status, 0);
	unlink(path);
	path[18] = '\0';
	rmdir(path);
	printf("child gave %d\n", WEXITSTATUS(status));
	return 0;
}
