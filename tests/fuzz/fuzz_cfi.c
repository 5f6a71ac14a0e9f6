/* fuzz_cfi.c: any bytes as a module's unwind tables, and any program in well-formed ones.
 *
 * Input: a byte of mode, two bytes of place, then an image. Even modes: the image is
 * taken as it is, in one range or two. Odd modes: it becomes the programs of a CIE and
 * an FDE that are in order otherwise, so that the interpreter is reached at once.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cfi.h"
#include "capture/expr.h"
#include "capture/rows.h"
#include "core/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AT = 0x10000, CODE = 0x8000, ROOM = 65536 };

static int read_memory(void *ctx, uint64_t addr, uint32_t size, uint64_t *ret)
{
	uint64_t *reads = ctx;

	if (++*reads > 1000)
		abort(); /* steps are bounded, so are reads */
	if (addr % 7 == 0)
		return -1;
	*ret = (addr * 0x9e3779b97f4a7c15) >> (64 - 8 * size);
	return 0;
}

static void check_rule(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
		       const struct mm_cfi_rule *rule)
{
	struct mm_registers regs = { .known = 0x1ffff };
	uint64_t initial = 0x7fff0000, value, reads = 0;
	const uint8_t *p;
	size_t len;

	if (rule->kind > MM_CFI_VAL_EXPR || rule->reg >= MM_REG_COUNT)
		abort();
	if (rule->kind != MM_CFI_EXPR && rule->kind != MM_CFI_VAL_EXPR)
		return;
	p = mm_cfi_expr_bytes(im, r, rule, &len);
	if (!p && rule->expr_len == 0)
		return; /* empty, at the very end */
	if (!p || len != rule->expr_len)
		abort(); /* it was inside the image when it was read */
	for (uint32_t i = 0; i < MM_REG_COUNT; i++)
		regs.reg[i] = 0x1000 * i;
	mm_expr_value(p, len, &regs, rule == &r->cfa ? NULL : &initial, read_memory, &reads,
		      &value);
}

static void try_entry(const struct mm_cfi_image *im, uint64_t fde, uint64_t pc)
{
	struct mm_cfi_rules r;
	uint64_t row;

	if (mm_cfi_rules(im, fde, pc, &r) != MM_OK)
		return;
	if (r.cfa.kind != MM_CFI_REGISTER && r.cfa.kind != MM_CFI_VAL_EXPR)
		abort();
	check_rule(im, &r, &r.cfa);
	for (uint32_t i = 0; i < MM_REG_COUNT; i++)
		check_rule(im, &r, &r.reg[i]);
	row = mm_row_from_rules(im, &r, 77);
	if (mm_row_kind(row) == MM_ROW_NONE || mm_row_module(row) != 77)
		abort();
	if (mm_row_kind(row) == MM_ROW_SP && mm_row_k(row) != r.cfa.value)
		abort(); /* what a word cannot hold must be slow */
}

static void put(uint8_t **p, uint64_t v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		*(*p)++ = (uint8_t)(v >> 8 * i);
}

/* A table of one entry around two programs; returns its size. */
static size_t build(uint8_t *out, const uint8_t *data, size_t size, uint8_t mode)
{
	size_t first = size ? data[0] % 32 : 0;
	uint8_t *p = out, *cie, *fde;

	first = first < size ? first : size;
	put(&p, 0x3b031b01, 4);
	put(&p, 16, 4); /* .eh_frame: 16 bytes after this field */
	put(&p, 1, 4);
	put(&p, (uint64_t)(CODE - AT), 4);
	put(&p, 20 + 4 + 12 + first, 4);
	cie = p;
	put(&p, 12 + first, 4);
	put(&p, 0, 4);
	put(&p, mode & 2 ? 0x0052537a01 : 0x0000527a01, mode & 2 ? 5 : 4); /* "zSR" or "zR" */
	put(&p, 0x107801, 3); /* code 1, data -8, return address 16 */
	put(&p, 0x1b01, 2);
	memcpy(p, data, first);
	p += first;
	cie[0] = (uint8_t)(p - cie - 4);
	fde = p;
	out[16] = (uint8_t)(fde - out);
	put(&p, 0, 4);
	put(&p, (uint64_t)(p - cie), 4);
	put(&p, (uint64_t)(CODE - AT) - (uint64_t)(p - out), 4);
	put(&p, 0x400, 4);
	put(&p, 0, 1);
	memcpy(p, data + first, size - first);
	p += size - first;
	uint32_t len = (uint32_t)(p - fde - 4);
	memcpy(fde, &len, 4);
	return (size_t)(p - out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mm_cfi_image im = { .count = 1 };
	uint8_t *image;
	uint64_t fde, pc;

	if (size < 3 || size > ROOM - 256)
		return 0;
	pc = CODE + (data[1] | (uint64_t)data[2] << 8) % 0x404;
	if (data[0] & 1) {
		static uint8_t built[ROOM];
		size_t n = build(built, data + 3, size - 3, data[0]);
		image = malloc(n);
		memcpy(image, built, n);
		size = n;
	} else {
		size -= 3;
		image = malloc(size ? size : 1);
		memcpy(image, data + 3, size);
	}
	im.range[0] = (struct mm_cfi_range){ .bytes = image, .addr = AT, .size = size };
	if ((data[0] & 5) == 4 && size > 32) { /* two ranges with a hole between */
		im.count = 2;
		im.range[0].size = size / 2 - 8;
		im.range[1] = (struct mm_cfi_range){ .bytes = image + size / 2,
						     .addr = AT + size / 2,
						     .size = size - size / 2 };
	}
	if (mm_cfi_find(&im, AT, pc, &fde) == MM_OK)
		try_entry(&im, fde, pc);
	if (!(data[0] & 1))
		try_entry(&im, AT, pc);
	free(image);
	return 0;
}
