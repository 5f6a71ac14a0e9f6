# run.sh: programs with the engine as their malloc do what they do without it.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

# same NAME COMMAND...: the same output and status, under every strategy.
same()
{
	local name=$1 strategy want status
	shift
	"$@" >want 2>want.err
	want=$?
	for strategy in size-class first-fit best-fit numa-aware; do
		"$mmprof" run --strategy "$strategy" -- "$@" >got 2>got.err
		status=$?
		check_is "$name, $strategy: its status" "$want" "$status"
		check "$name, $strategy: its output" cmp -s want got
		check "$name, $strategy: its errors" cmp -s want.err got.err
	done
}

same "sqlite3" sqlite3 :memory: 'create table t(a, b); with recursive c(i) as (select 1 union all
	select i + 1 from c where i < 20000) insert into t select i, hex(i * 7919) from c;
	select count(*), max(b), sum(length(b)) from t where b like "%3%";'
same "python" env PYTHONMALLOC=malloc python3 -c '
import json
print(len(json.dumps([{"a": i, "b": str(i) * (i % 50)} for i in range(20000)])))'
same "perl" perl -e 'my %h; $h{$_ % 997} .= "x" x ($_ % 100) for 1..60000;
	print join(",", map { length $h{$_} } sort keys %h), "\n"; exit 3'
same "a shell with children" sh -c 'for i in 1 2 3; do echo $i | sed s/1/one/ & wait; done; exit 7'
same "an error" ls /nowhere/at/all

cat >family.c <<'C'
/* The malloc family's contract. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong;
#define IS(what) ((what) ? 0 : (wrong++, printf("wrong: %s\n", #what)))

int main(void)
{
	void *volatile p, *volatile q;
	volatile size_t huge = PTRDIFF_MAX;

	for (size_t n = 0; n < 70000; n += 1 + n / 7) {
		char *a = malloc(n), *z = calloc(n, 1);
		IS(a && (uintptr_t)a % 16 == 0 && malloc_usable_size(a) >= n);
		memset(a, 1, malloc_usable_size(a));
		for (size_t i = 0; i < n; i++)
			if (z[i])
				IS(!"calloc zeroes");
		free(z);
		char *b = realloc(a, 2 * n + 1);
		for (size_t i = 0; i < n; i++)
			if (b[i] != 1)
				IS(!"realloc keeps");
		free(b);
	}
	for (size_t align = 8; align <= 1 << 20; align *= 2) {
		IS(posix_memalign((void **)&p, align, 100) == 0 && (uintptr_t)p % align == 0);
		free(p);
		p = aligned_alloc(align, align * 3);
		IS(p && (uintptr_t)p % align == 0);
		free(p);
	}
	errno = 0;
	IS(malloc(huge + 1) == NULL && errno == ENOMEM);
	errno = 0;
	IS(calloc(huge, 4) == NULL && errno == ENOMEM);
	errno = 0;
	IS(reallocarray(NULL, huge, 4) == NULL && errno == ENOMEM);
	p = (void *)1;
	errno = 5;
	IS(posix_memalign((void **)&p, 24, 8) == EINVAL && p == (void *)1 && errno == 5);
	IS(malloc_usable_size(NULL) == 0);
	p = malloc(10);
	errno = 77;
	free(p);
	free(NULL);
	IS(errno == 77);
	p = malloc(100);
	IS(realloc(p, 0) == NULL);
	IS((uintptr_t)valloc(1) % 4096 == 0);
	p = malloc(1);
	q = malloc(0);
	IS(q != NULL && p != q);
	/* What is given back is zero again when calloc gives it out. */
	p = malloc(300000);
	memset(p, 1, 300000);
	free(p);
	p = calloc(300000, 1);
	for (size_t i = 0; i < 300000; i++)
		if (((char *)p)[i])
			IS(!"a large calloc zeroes");
	printf("%d wrong\n", wrong);
	return wrong != 0;
}
C
cat >threads.c <<'C'
/* Objects outlive their threads; a thousand threads; a fork among busy threads. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;

static void *make(void *arg)
{
	unsigned char **list = malloc(50 * sizeof *list);
	for (int i = 0; i < 50; i++) {
		list[i] = malloc(20 + (size_t)i * 11);
		memset(list[i], (int)(uintptr_t)arg, 20 + (size_t)i * 11);
	}
	return list;
}

static void *busy(void *arg)
{
	while (!stop)
		free(malloc(1 + (size_t)(uintptr_t)arg % 5000));
	return NULL;
}

int main(void)
{
	pthread_t t[1000];
	int bad = 0;

	for (intptr_t i = 0; i < 1000; i++)
		if (pthread_create(&t[i], NULL, make, (void *)(i % 200)))
			return 9;
	for (intptr_t i = 0; i < 1000; i++) {
		unsigned char **list;
		pthread_join(t[i], (void **)&list);
		for (int k = 0; k < 50; k++) {
			for (int b = 0; b < 20 + k * 11; b++)
				bad += list[k][b] != i % 200;
			free(list[k]);
		}
		free(list);
	}
	for (intptr_t i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, busy, (void *)(i * 777));
	for (int i = 0; i < 200; i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			for (int k = 0; k < 1000; k++)
				free(malloc((size_t)k * 17 % 9000));
			_exit(0);
		}
		waitpid(pid, &status, 0);
		bad += status != 0;
	}
	stop = 1;
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	printf("%d bad\n", bad);
	return bad != 0;
}
C
$CC -O1 -w -fno-builtin -o family family.c && $CC -O1 -pthread -fno-builtin -o threads threads.c || exit 99
for strategy in size-class first-fit best-fit numa-aware; do
	check_is "the malloc family, $strategy" "0 wrong" \
		"$(timeout 60 "$mmprof" run -s "$strategy" -- ./family)"
	check_is "threads and forks, $strategy" "0 bad" \
		"$(timeout 60 "$mmprof" run -s "$strategy" -- ./threads)"
done

# --- stats ---------------------------------------------------------------------------------
"$mmprof" run --stats ls / >out 2>err
check_is "a program that closes its streams first" 1 "$(grep -c 'committed at most' err)"
"$mmprof" run --stats perl -e 'system("ls >/dev/null"); exit 0' >out 2>err
check_is "the account of one process" 1 "$(grep -c '^\[mmprof\] committed at most  *[0-9]' err)"
check_is "which adds up" 0 "$(awk '/ committed  / { want = $3 }
	/ (requested|internal|cached|slab-external|tail|retained|metadata) / { have += $3 }
	END { print want - have }' err)"

# --- what goes wrong -------------------------------------------------------------------------
echo 'int main(void) { char *p = malloc(9); free(p + 1); }' >wrong.c
$CC -w -include stdlib.h -fno-builtin -o wrong wrong.c || exit 99
(ulimit -c 0; "$mmprof" run ./wrong) >out 2>err
check_is "a wrong pointer ends the program" 134 $?
check "and is named" grep -q 'free(): invalid pointer' err
cat >misuse.c <<'C'
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	char *volatile p = malloc(100), *volatile q = malloc(100);
	switch (argv[1][0]) {
	case 'd': free(p); free(q); free(p); break;
	case 'i': free(p + 16); break;
	case 'o': p[103] = 1; free(p); break;
	case 'g': p[4200] = 1; break;
	case 'u': free(p); p[3] = 1; for (int i = 0; i < 70000; i++) free(malloc(100)); break;
	}
	return argc - 2;
}
C
$CC -O0 -w -fno-builtin -o misuse misuse.c || exit 99
# misuse LEVEL WHAT STATUS LINE
misuse()
{
	(ulimit -c 0; timeout 60 "$mmprof" run --check "$1" ./misuse "$2") >out 2>err
	check_is "--check $1, $4: how it ends" "$3" $?
	check "--check $1, $4: what is said" grep -q "^\[mmprof\] $4.*(--check $1)" err
}
misuse on d 134 "double free"
misuse on i 134 "interior free"
misuse on o 134 "overrun"
misuse full d 134 "double free"
misuse full g 139 "overrun"
misuse full u 139 "use after free"
"$mmprof" run --check full perl -e 'my %h; $h{$_} = "x" x $_ for 1..3000; print length join "", values %h' >out 2>err
check_is "nothing is said of a program that is right" "4501500 " "$(cat out) $(cat err)"
"$mmprof" run --check most ls >out 2>err
check_is "an unknown level" 125 $?
"$mmprof" run --check on --strategy best-fit ls >out 2>err
check_is "a level that a strategy does not have" 125 $?
"$mmprof" run ./nowhere >out 2>err
check_is "no such command" 127 $?
"$mmprof" run "$src/README.md" >out 2>err
check_is "no program" 126 $?
"$mmprof" run --strategy worst-fit ls >out 2>err
check_is "an unknown strategy" 125 $?
check "is named" grep -q "unknown strategy 'worst-fit'" err
"$mmprof" run >out 2>err
check_is "no command" 125 $?
echo 'int main(void) { return 0; }' >static.c
if $CC -static -o static static.c 2>/dev/null; then
	"$mmprof" run ./static >out 2>err
	check_is "a static program is refused" 125 $?
fi
done_testing
