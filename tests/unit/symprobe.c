/* symprobe.c: asks src/symbol about addresses of one ELF file, for scripts that compare
 * with other tools.
 *
 *     symprobe [-c] [-d] [-n] [-r ROOT] FILE [BUILDID] < ADDRESSES
 *     symprobe -D < NAMES
 *
 * ADDRESSES: hexadecimal, as in the file, one a line; looked up exactly (not as return
 * addresses). Prints, per address: the address, then a line "function\tfile:line" per
 * frame, innermost first. -c uses the cache, -d asks servers, -n symbol tables only. -D
 * demangles the first word of each line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "symbol/symbol.h"
#include "symbol/symelf.h"

static size_t read_addresses(uint64_t **ret)
{
	uint64_t *list = NULL;
	size_t count = 0, cap = 0;
	unsigned long long address;

	while (scanf("%llx", &address) == 1) {
		if (MM_GROW(list, cap, count + 1))
			exit(2);
		list[count++] = address + 1;
	}
	*ret = list;
	return count;
}

static void print_frames(uint64_t address, const struct mm_frame *frames, size_t count)
{
	printf("0x%llx\n", (unsigned long long)address);
	for (size_t i = 0; i < count; i++)
		printf("%s\t%s:%u%s\n", frames[i].function, frames[i].file, frames[i].line,
		       frames[i].inlined ? " (inlined)" : "");
}

static int demangle_lines(void)
{
	char line[1 << 17];

	while (fgets(line, sizeof line, stdin)) {
		size_t len = strcspn(line, "\t\n");
		char end = line[len];
		line[len] = 0;
		char *text = mm_demangle(line);
		printf("%s%c%s", text ? text : "", end ? end : '\n', end ? line + len + 1 : "");
		free(text);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mm_symbol_options options = { .no_cache = 1 };
	struct mm_module module = { .start = 0, .end = UINT64_MAX };
	struct mm_symbols *symbols;
	struct mm_symelf *elf;
	uint64_t *addresses;
	int c;

	while ((c = getopt(argc, argv, "cDdnr:")) != -1) {
		if (c == 'c')
			options.no_cache = 0;
		else if (c == 'D')
			return demangle_lines();
		else if (c == 'd')
			options.debuginfod = 1;
		else if (c == 'n')
			options.no_debug = 1;
		else if (c == 'r')
			options.sysroot = optarg;
		else
			return 2;
	}
	if (optind + 1 > argc || mm_symbols_create(&symbols, &options))
		return 2;
	module.path = argv[optind];
	if (optind + 1 < argc) { /* a build-id that the file may not have any more */
		const char *hex = argv[optind + 1];
		for (; hex[0] && hex[1] && module.build_id_len < 32; hex += 2) {
			unsigned byte;
			if (sscanf(hex, "%2x", &byte) != 1)
				return 2;
			module.build_id[module.build_id_len++] = (uint8_t)byte;
		}
	} else if (mm_symelf_open(&elf, module.path) == 0) {
		memcpy(module.build_id, elf->build_id, elf->build_id_len);
		module.build_id_len = elf->build_id_len;
		mm_symelf_close(elf);
	}
	size_t count = read_addresses(&addresses);
	if (mm_symbols_prepare(symbols, &module, addresses, count, 0))
		return 1;
	for (size_t i = 0; i < count; i++) {
		const struct mm_frame *frames;
		size_t n;
		if (mm_symbols_frames(symbols, &module, addresses[i], &frames, &n))
			return 1;
		print_frames(addresses[i] - 1, frames, n);
	}
	mm_symbols_destroy(symbols);
	free(addresses);
	return 0;
}
