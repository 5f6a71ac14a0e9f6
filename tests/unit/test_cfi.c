/* test_cfi.c: the frame table parser, by hand-made tables and, over all of libc and this
 * program, against libdw's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <unistd.h>

#include "capture/cfi.h"
#include "capture/expr.h"
#include "capture/modules.h"
#include "capture/rows.h"
#include "core/error.h"
#include "core/shm.h"

#include <sys/mman.h>

enum { AT = 0x10000, CODE = 0x8000, LENGTH = 0x100 };

struct table {
	uint8_t bytes[512];
	size_t size;
	uint64_t fde;
};

static void put(struct table *t, uint64_t v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		t->bytes[t->size++] = (uint8_t)(v >> 8 * i);
}

/* .eh_frame_hdr and .eh_frame with one function at CODE, whose program is given. */
static void make_table(struct table *t, const uint8_t *program, size_t n)
{
	t->size = 0;
	put(t, 0x3b031b01, 4);
	put(t, 16, 4);
	put(t, 1, 4);
	put(t, (uint64_t)(CODE - AT), 4);
	put(t, 20 + 24, 4);
	put(t, 20, 4); /* CIE: "zR", 1, -8, 16, pcrel sdata4; CFA = SP + 8, RA at CFA - 8 */
	put(t, 0, 4);
	put(t, 0x00527a01, 4);
	put(t, 0x1b01107801, 5);
	put(t, UINT64_C(0x019008070c), 5);
	put(t, 0, 2);
	t->fde = AT + t->size;
	put(t, 17 + n - 4, 4);
	put(t, t->size - 20, 4);
	put(t, (uint64_t)(CODE - AT) - t->size, 4);
	put(t, LENGTH, 4);
	put(t, 0, 1);
	memcpy(t->bytes + t->size, program, n);
	t->size += n;
}

static struct mm_cfi_image image_of(const struct table *t, size_t size)
{
	return (struct mm_cfi_image){ .count = 1, .range = { { t->bytes, AT, size } } };
}

static int rules_at(const struct table *t, uint64_t pc, struct mm_cfi_rules *ret)
{
	struct mm_cfi_image im = image_of(t, t->size);
	uint64_t fde;
	int err = mm_cfi_find(&im, AT, pc, &fde);

	return err == MM_OK ? mm_cfi_rules(&im, fde, pc, ret) : err;
}

/* push %rbp; mov %rsp,%rbp; ...; a cold part in which the push is undone */
static const uint8_t program[] = {
	0x41, 0x0e, 16, 0x86, 2,       /* advance 1; CFA offset 16; RBP at CFA - 16 */
	0x43, 0x0d, 6,                 /* advance 3; CFA register RBP */
	0x0a,                          /* remember */
	0x02, 0x40, 0x0c, 7, 8, 0xc6,  /* advance 64; CFA = SP + 8; restore RBP */
	0x41, 0x0b                     /* advance 1; recall */
};

static void rows_of_a_function(void **state)
{
	struct table t;
	struct mm_cfi_rules r;

	(void)state;
	make_table(&t, program, sizeof program);
	assert_int_equal(rules_at(&t, CODE, &r), MM_OK);
	assert_int_equal(r.cfa.reg, MM_REG_SP);
	assert_int_equal(r.cfa.value, 8);
	assert_int_equal(r.reg[MM_REG_RA].value, -8);
	assert_int_equal(r.reg[MM_REG_BP].kind, MM_CFI_SAME);
	assert_int_equal(rules_at(&t, CODE + 1, &r), MM_OK);
	assert_int_equal(r.cfa.value, 16);
	assert_int_equal(r.reg[MM_REG_BP].kind, MM_CFI_OFFSET);
	assert_int_equal(r.reg[MM_REG_BP].value, -16);
	assert_int_equal(rules_at(&t, CODE + 4, &r), MM_OK);
	assert_int_equal(r.cfa.reg, MM_REG_BP);
	assert_int_equal(r.cfa.value, 16);
	assert_int_equal(rules_at(&t, CODE + 68, &r), MM_OK);
	assert_int_equal(r.cfa.reg, MM_REG_SP);
	assert_int_equal(r.reg[MM_REG_BP].kind, MM_CFI_SAME);
	assert_int_equal(rules_at(&t, CODE + 69, &r), MM_OK);
	assert_int_equal(r.cfa.reg, MM_REG_BP);
	assert_int_equal(r.reg[MM_REG_BP].value, -16);
}

static void places_outside(void **state)
{
	struct table t;
	struct mm_cfi_rules r;

	(void)state;
	make_table(&t, program, sizeof program);
	assert_int_equal(rules_at(&t, CODE - 1, &r), MM_ENOENT);
	assert_int_equal(rules_at(&t, CODE + LENGTH - 1, &r), MM_OK);
	assert_int_equal(rules_at(&t, CODE + LENGTH, &r), MM_ENOENT);
}

/* Cut anywhere, a table gives what it gave or an error; never anything else. */
static void truncation(void **state)
{
	struct table t;
	struct mm_cfi_rules whole, r;
	uint64_t fde;
	uint32_t errors = 0;

	(void)state;
	make_table(&t, program, sizeof program);
	assert_int_equal(rules_at(&t, CODE + 4, &whole), MM_OK);
	for (size_t n = 0; n < t.size; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		memcpy(copy, t.bytes, n);
		struct mm_cfi_image im = { .count = 1, .range = { { copy, AT, n } } };
		int err = mm_cfi_find(&im, AT, CODE + 4, &fde);
		if (err == MM_OK)
			err = mm_cfi_rules(&im, fde, CODE + 4, &r);
		assert_true(err == MM_ECORRUPT || err == MM_ENOENT);
		errors++;
		free(copy);
	}
	assert_int_equal(errors, t.size);
}

static void bad_programs(void **state)
{
	static const struct { uint8_t bytes[8]; size_t n; } bad[] = {
		{ { 0x0b }, 1 },                         /* recall without remember */
		{ { 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a }, 7 }, /* too deep */
		{ { 0x3f }, 1 },                         /* no such operation */
		{ { 0x0c, 0x20, 8 }, 3 },                /* CFA by an unknown register */
		{ { 0x0e }, 1 },                         /* operand missing */
		{ { 0x0e, 0xff, 0xff, 0xff, 0xff, 0x7f }, 6 }, /* offset too large */
		{ { 0x0f, 0x20, 0x77 }, 3 },             /* expression longer than the entry */
	};
	struct table t;
	struct mm_cfi_rules r;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		make_table(&t, bad[i].bytes, bad[i].n);
		assert_int_equal(rules_at(&t, CODE, &r), MM_ECORRUPT);
	}
}

static int read_word(void *ctx, uint64_t addr, uint32_t size, uint64_t *ret)
{
	(void)ctx;
	if (addr < 0x1000)
		return -1;
	*ret = addr + size;
	return 0;
}

static int value_of(const uint8_t *p, size_t n, uint64_t *ret)
{
	struct mm_registers regs = { .known = 1u << MM_REG_SP | 1u << MM_REG_RA };
	uint64_t initial = 5;

	regs.reg[MM_REG_SP] = 0x7000;
	regs.reg[MM_REG_RA] = 0x400c;
	return mm_expr_value(p, n, &regs, &initial, read_word, NULL, ret);
}

static void expressions(void **state)
{
	/* the linker's, for the lazy part of a PLT: SP + 8 + 8 * ((pc & 15) >= 11) */
	static const uint8_t plt[] = { 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 };
	static const uint8_t deref[] = { 0x77, 0x10, 0x06 };
	static const uint8_t loop[] = { 0x2f, 0xfd, 0xff };
	static const uint8_t unknown[] = { 0x76, 0 };
	static const uint8_t null[] = { 0x30, 0x06 };
	static const uint8_t zero[] = { 0x31, 0x30, 0x1b };
	static const uint8_t top[] = { 0x96 };
	static const uint8_t signed_math[] = { 0x11, 0x7c, 0x32, 0x1b, 0x19 }; /* |-4 / 2| */
	static const uint8_t beyond[] = { 0x28, 0x01, 0x00 };
	uint64_t v;

	(void)state;
	assert_int_equal(value_of(plt, sizeof plt, &v), MM_OK);
	assert_int_equal(v, 0x7000 + 8 + 8);
	assert_int_equal(value_of(deref, sizeof deref, &v), MM_OK);
	assert_int_equal(v, 0x7010 + 8);
	assert_int_equal(value_of(top, sizeof top, &v), MM_OK);
	assert_int_equal(v, 5);
	assert_int_equal(value_of(signed_math, sizeof signed_math, &v), MM_OK);
	assert_int_equal(v, 2);
	assert_int_equal(value_of(loop, sizeof loop, &v), MM_ECORRUPT);
	assert_int_equal(value_of(unknown, sizeof unknown, &v), MM_ENOENT);
	assert_int_equal(value_of(null, sizeof null, &v), MM_ENOENT);
	assert_int_equal(value_of(zero, sizeof zero, &v), MM_ECORRUPT);
	assert_int_equal(value_of(beyond, sizeof beyond, &v), MM_ECORRUPT);
}

/* --- against libdw ---------------------------------------------------------------------- */

struct loaded {
	uint64_t bias, text, text_size;
	char path[512];
};

static int find_libc(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct loaded *l = ctx;

	(void)size;
	if (!strstr(info->dlpi_name, "/libc.so"))
		return 0;
	l->bias = info->dlpi_addr;
	strncpy(l->path, info->dlpi_name, sizeof l->path - 1);
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			l->text = info->dlpi_phdr[i].p_vaddr;
			l->text_size = info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

/* libdw gives every rule as operations on the stack of its machine. */
static int same_cfa(const struct mm_cfi_rule *ours, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0)
		return 0;
	if (ours->kind == MM_CFI_VAL_EXPR)
		return !(n == 1 && ops[0].atom == 0x92);
	return n == 1 && ops[0].atom == 0x92 && ops[0].number == ours->reg &&
	       (int64_t)ops[0].number2 == ours->value;
}

static int same_register(const struct mm_cfi_rule *ours, Dwarf_Frame *frame, int reg)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n) != 0)
		return 0;
	if (n == 0) /* undefined, or the same value when ops is NULL */
		return ops == NULL ? ours->kind == MM_CFI_SAME : 1;
	switch (ours->kind) {
	case MM_CFI_OFFSET: /* call_frame_cfa [plus_uconst or const, plus] */
		if (n == 1)
			return ours->value == 0;
		return (int64_t)ops[1].number == ours->value;
	case MM_CFI_EXPR: case MM_CFI_VAL_EXPR: case MM_CFI_VAL_OFFSET: case MM_CFI_REGISTER:
		return 1;
	default:
		return 0;
	}
}

/* Every 5th byte of libc's code, callee-saved registers, CFA and return address. */
static void all_of_libc(void **state)
{
	static const int saved[] = { MM_REG_RBX, MM_REG_BP, MM_REG_R12, MM_REG_R13, MM_REG_R14,
				     MM_REG_R15, MM_REG_RA };
	struct loaded l = { 0 };
	uint64_t compared = 0, absent = 0;
	int fd;
	Elf *elf;
	Dwarf_CFI *cfi;

	(void)state;
	assert_int_equal(dl_iterate_phdr(find_libc, &l), 1);
	fd = open(l.path, O_RDONLY);
	assert_true(fd >= 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	cfi = dwarf_getcfi_elf(elf);
	assert_non_null(cfi);
	for (uint64_t pc = l.text; pc < l.text + l.text_size; pc += 5) {
		const struct mm_cfi_image *im;
		struct mm_cfi_rules r;
		Dwarf_Frame *frame = NULL;
		int err = mm_rows_rules(l.bias + pc + 1, 1, &im, &r);
		int theirs = dwarf_cfi_addrframe(cfi, pc, &frame);

		assert_int_equal(err == MM_OK, theirs == 0);
		if (err != MM_OK) {
			absent++;
			continue;
		}
		if (!same_cfa(&r.cfa, frame))
			fail_msg("CFA at %#lx of libc", pc);
		for (size_t i = 0; i < sizeof saved / sizeof saved[0]; i++)
			if (!same_register(&r.reg[saved[i]], frame, saved[i]))
				fail_msg("register %d at %#lx of libc", saved[i], pc);
		free(frame);
		compared++;
	}
	assert_true(compared > 100000);
	assert_true(absent < compared / 10);
	dwarf_cfi_end(cfi);
	elf_end(elf);
	close(fd);
}

static int bind(void **state)
{
	enum { MAPPING = 64 << 20 };
	void *base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*state = base;
	if (base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, 64, MM_CLOCK_TSC) != MM_OK)
		return -1;
	struct mm_shm_process *p = mm_shm_process(base, 0);
	p->dir_seg = mm_shm_seg_take(base);
	return mm_modules_bind(base, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_function), cmocka_unit_test(places_outside),
		cmocka_unit_test(truncation), cmocka_unit_test(bad_programs),
		cmocka_unit_test(expressions), cmocka_unit_test(all_of_libc),
	};

	return cmocka_run_group_tests_name("cfi", tests, bind, NULL);
}
