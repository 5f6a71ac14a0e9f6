/* nodes.c: memory policies of ranges of addresses (nodes.h). */
#include "manager/nodes.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"

enum { WORDS = MM_NODES_MOST / 64 + 1 };

static int refusal(int error)
{
	return error == EINVAL ? MM_EINVAL : error == ENOMEM ? MM_ENOMEM : MM_EUNSUP;
}

/* The kernel reads one bit less than it is told of. */
static int bind_range(uint64_t base, uint64_t bytes, int node, unsigned long flags)
{
	unsigned long nodes[WORDS] = { 0 };
	int saved = errno, err = MM_OK;
	long failed;

	if (node == MM_NODES_NOBODYS) {
		failed = syscall(SYS_mbind, base, bytes, MPOL_DEFAULT, NULL, 0ul, flags);
	} else {
		nodes[node / 64] = 1ul << node % 64;
		failed = syscall(SYS_mbind, base, bytes, MPOL_PREFERRED, nodes,
				 MM_NODES_MOST + 1ul, flags);
	}
	if (failed)
		err = refusal(errno);
	errno = saved;
	return err;
}

int mm_nodes_prefer(uint64_t base, uint64_t bytes, int node)
{
	return bind_range(base, bytes, node, 0);
}

int mm_nodes_place(void *arg, uint64_t addr, uint64_t bytes, uint32_t node)
{
	(void)arg;
	return node < MM_NODES_MOST ? bind_range(addr, bytes, (int)node, MPOL_MF_MOVE) : MM_EINVAL;
}

uint32_t mm_nodes_count(void)
{
	unsigned long nodes[WORDS] = { 0 };
	int saved = errno;
	long err = syscall(SYS_get_mempolicy, NULL, nodes, MM_NODES_MOST + 1ul, NULL,
			   (unsigned long)MPOL_F_MEMS_ALLOWED);
	uint32_t w = WORDS - 1;

	errno = saved;
	if (err)
		return 1;
	while (w && !nodes[w])
		w--;
	return nodes[w] ? w * 64 + 64 - (uint32_t)__builtin_clzl(nodes[w]) : 1;
}

uint32_t mm_nodes_here(void)
{
	int saved = errno;
	unsigned node = 0;
	long err = syscall(SYS_getcpu, NULL, &node, NULL);

	errno = saved;
	return err ? 0 : node;
}

int mm_nodes_is_supported(uint64_t addr)
{
	int mode, saved = errno;
	long err = syscall(SYS_get_mempolicy, &mode, NULL, 0ul, addr, (unsigned long)MPOL_F_ADDR);

	errno = saved;
	return err == 0;
}
