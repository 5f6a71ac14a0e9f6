/* victim: mmap, mremap, munmap in every way, the refused ones included. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(p, "moved");
	char *hole = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = mremap(p, 8192, 16384, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	printf("%s %d\n", q, q == hole);
	q = mremap(q, 16384, 4096, 0);
	printf("%s\n", q);
	printf("%d\n", munmap(q, 4096));
	errno = 0;
	printf("bad unmap %d %d\n", munmap((void *)1, 4096), errno);
	errno = 0;
	printf("bad length %d %d\n", munmap(hole, 0), errno);
	errno = 0;
	p = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("nothing %d %d\n", p == MAP_FAILED, errno);
	errno = 0;
	p = mremap((void *)4096, 4096, 8192, 0);
	printf("nowhere %d %d\n", p == MAP_FAILED, errno);
	p = mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/dev/zero", 0), 0);
	printf("zero %d\n", p != MAP_FAILED && p[100] == 0);
	for (int i = 0; i < 5000; i++) {
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(p, 4096);
	}
	return 0;
}
