# nm.sh: what is loaded into other people's programs needs nothing but libc, exports
# nothing but its hooks, and neither allocates, locks nor prints.
. "$(dirname "$0")/tap.sh"
core=$build/.libs/libmm_core.a
preload=$build/.libs/libmmprof.so

# core may call only what is safe anywhere, even with a broken heap in a signal handler.
# (__cpu_model is a table in libgcc.)
core_allowed='^(mem(cpy|set|move|cmp|chr)|str(n?len|n?cmp)|__stack_chk_fail|__cpu_model|_GLOBAL_OFFSET_TABLE_|mm_[a-z0-9_]+)$'

core_calls()
{
	nm -u "$1" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u
}

only_allowed()
{
	! core_calls "$1" | grep -vE "$core_allowed"
}

needs_only_libc()
{
	local needed
	needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	echo "$needed"
	[ -n "$needed" ] && ! echo "$needed" | grep -vE '^(libc\.so\.6|ld-linux-x86-64\.so\.2)$'
}

from_libc_only()
{
	! nm -D --undefined-only "$1" | awk '{ print $NF }' |
		grep -vE '@GLIBC_|^(__gmon_start__|_ITM_(de)?registerTMCloneTable|__cxa_finalize)'
}

imports()
{
	nm -D --undefined-only "$1" | awk '{ print $NF }' | sed 's/@.*//'
}

imports_none_of()
{
	! imports "$preload" | grep -E "$1"
}

exports_only_hooks()
{
	! nm -D --defined-only "$preload" | awk '{ print $NF }' | sed 's/@.*//' | grep -vE '^(malloc|calloc|realloc|reallocarray|free|free_sized|free_aligned_sized|cfree|posix_memalign|aligned_alloc|memalign|valloc|pvalloc|_Zn[wa]|_Zd[la]|(mmap|mmap64|munmap|mremap)$|mlockall$|dlclose$|fork$|_Fork$|vfork$|(sig)?longjmp|_longjmp|exec(ve|v|vp|vpe|l|le|lp|fexecve)|fexecve|mmprof_note_v1$|mmprof_sink_v1$)'
}

check "the core archive is there" test -s "$core"
check "the preload is there" test -s "$preload"
check "core calls nothing that allocates, locks or prints" only_allowed "$core"
check "the preload needs libc alone" needs_only_libc "$preload"
check "every symbol it takes is libc's" from_libc_only "$preload"
check "it prints nothing through stdio" imports_none_of '^_?_?(v?[fsd]?n?printf|puts|fputs|fputc|putchar|fwrite|fopen|fclose|fread|fgets|getline|perror)(_chk)?$'
check "it takes no lock" imports_none_of '^(pthread_(mutex|rwlock|spin|cond)_|sem_|flock|call_once|pthread_once)'
check "it never calls around the allocator" imports_none_of '^(__libc_(malloc|free|calloc|realloc|memalign)|dlopen|dlmopen|malloc|calloc|realloc|free|posix_memalign|strdup|asprintf)$'
check "it never formats or parses by locale" imports_none_of '^(strto|setlocale|scanf|sscanf|__isoc[0-9]+_)'
check "it exports its hooks and nothing else" exports_only_hooks
check "it has no text relocation" fails grep -q TEXTREL <(readelf -d "$preload")
check "its thread data is initial-exec" fails grep -q '__tls_get_addr' <(imports "$preload")

# libmm: whoever links it gets libc and the names of its headers, no more and no less.
libmm=$build/.libs/libmm.so

named_in_headers()
{
	sed -n 's/^MM_API .*[ *]\(mm_[a-z_0-9]*\)(.*/\1/p' "$src/include/mm.h" \
		"$src/include/mm_voxel.h" "$src/include/mm_alloc.h" "$src/include/mm_error.h" \
		"$src/include/mm_audit.h" "$src/include/mm_pools.h" "$src/include/mm_buffer.h" "$src/include/mm_check.h" "$src/include/mm_move.h" | sort -u
}

exported_by()
{
	nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' | sort -u
}

check "libmm needs libc alone" needs_only_libc "$libmm"
check "libmm asks no allocator" fails grep -E '^(malloc|calloc|realloc|free)@' \
	<(nm -D --undefined-only "$libmm" | awk '{ print $NF }')
check "libmm prints nothing and never exits" fails grep -E '^(.*printf|f?puts|fwrite|_?exit|abort)@' \
	<(nm -D --undefined-only "$libmm" | awk '{ print $NF }')
check "mm.h names functions" test "$(named_in_headers | wc -l)" -gt 10
check_is "libmm exports what its headers name" "$(named_in_headers)" "$(exported_by "$libmm")"
check "libmm's thread data is initial-exec" fails grep -q '__tls_get_addr' <(nm -D "$libmm")

printf '#include <stdio.h>\nvoid mm_oops(void); void mm_oops(void) { puts("x"); }\n' >"$tmp/oops.c"
$CC -c -o "$tmp/oops.o" "$tmp/oops.c" && ar cr "$tmp/oops.a" "$tmp/oops.o"
check "a core that prints is seen" fails only_allowed "$tmp/oops.a"
# The engine as malloc.
run=$build/.libs/libmmrun.so
check "libmmrun.so needs only libc" needs_only_libc "$run"
from_libc_and_recorder() # whose part is a weak reference: it may be absent
{
	! nm -D --undefined-only "$1" | grep -v ' w mmprof_sink_v1$' | awk '{ print $NF }' |
		grep -vE '@GLIBC_|^(__gmon_start__|_ITM_(de)?registerTMCloneTable|__cxa_finalize)'
}
check "libmmrun.so imports from libc only" from_libc_and_recorder "$run"
check_is "libmmrun.so exports the malloc family, what sets handlers, and mlockall" \
	"aligned_alloc calloc free free_aligned_sized free_sized malloc malloc_usable_size memalign mlockall posix_memalign pvalloc realloc reallocarray sigaction signal valloc" \
	"$(nm -D --defined-only "$run" | awk '{ print $NF }' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
done_testing
