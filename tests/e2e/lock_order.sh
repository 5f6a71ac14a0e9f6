# lock_order.sh: the engine and libmm take their locks in the order of lock_order.h, whatever the
# tests with threads do; built for it in a tree of its own.
. "$(dirname "$0")/tap.sh"
programs="test_checked test_handle test_defrag test_mmalloc test_mmaudit test_mmbuffer test_mmcrowd
	test_mmevict test_mmlimits test_mmmove test_mmoptions test_mmpool test_mmvarpool test_mmvoxel"
tree=$tmp/tree

configured()
{
	mkdir "$tree" && cd "$tree" && "$src/configure" --enable-lock-order CC="$CC" CFLAGS=-O1
}

built()
{
	# shellcheck disable=SC2086
	make -s -C "$tree" -j2 libmmrun.la $programs
}

looks_at_locks()
{
	nm "$tree/.libs/libmmrun.so" | grep -q mm_lock_order_taken &&
		! nm "$build/.libs/libmmrun.so" | grep -q mm_lock_order
}

# under STRATEGY CHECK: threads that allocate and end, and forks of them, on the engine.
under()
{
	MMPROF_RUN="1 $1 $2 0 1" LD_PRELOAD=$tree/.libs/libmmrun.so python3 -c '
import os, threading
def work():
    for n in range(300):
        [bytearray(k * n) for k in range(20)]
for round in range(5):
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    [t.join() for t in threads]
    assert os.waitpid(child, 0)[1] == 0
'
}

check "a build with --enable-lock-order is configured" configured
check "and made" built
check "it looks at locks, and no other build does" looks_at_locks
for p in $programs; do
	check "$p keeps the order" "$tree/$p"
done
for choice in "0 0" "0 1" "0 2" "0 3" "1 0" "2 0" "3 0"; do
	# shellcheck disable=SC2086
	check "a program on the engine keeps it (strategy and check $choice)" under $choice
done
done_testing
