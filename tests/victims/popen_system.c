/* victim: system, popen, pipelines of programs. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(void)
{
	char line[256];
	int r = system("echo from the shell; ls / >/dev/null; exit 9");
	FILE *f = popen("printf 'b\\na\\nc\\n' | sort | tr a-z A-Z", "r");

	printf("%d\n", WEXITSTATUS(r));
	while (f && fgets(line, sizeof line, f))
		fputs(line, stdout);
	printf("%d\n", pclose(f));
	r = system("kill -TERM $$");
	printf("%d\n", WIFSIGNALED(r) ? WTERMSIG(r) : -1);
	f = popen("cat >/dev/null; exit 7", "w");
	for (int i = 0; i < 10000; i++)
		fprintf(f, "%d\n", i);
	printf("%d\n", WEXITSTATUS(pclose(f)));
	return 0;
}
