# mmhpp.sh: mm.hpp with every compiler and standard that is here: owners, containers over pools
# and the general heap, std::pmr; and a program built by pkg-config from an installed tree.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >use.cc <<'P'
#include <cassert>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>
#include "mm.hpp"

struct thing {
	static int live;
	int a, b;
	thing(int a_, int b_) : a(a_), b(b_) { live++; if (a_ < 0) { live--; throw 5; } }
	~thing() { live--; }
};
int thing::live;
struct alignas(64) wide { char c[64]; };

static std::uint64_t live_of(const mm::pool &p) { return p.stats().allocated; }
static std::uint64_t live_blocks(mm_manager *m) { struct mm_totals t; ::mm_totals(m, &t); return t.live_count; }

static void pools()
{
	mm::pool p("things", sizeof(thing));
	{
		auto t = mm::make_in<thing>(p, 1, 2);
		assert(t->a == 1 && t->b == 2 && thing::live == 1 && live_of(p) == 1);
		auto moved = std::move(t);
		assert(!t && moved->b == 2);
	}
	assert(thing::live == 0 && live_of(p) == 0);
	try { mm::make_in<thing>(p, -1, 0); assert(0); } catch (int e) { assert(e == 5); }
	assert(live_of(p) == 0);
	try { mm::make_in<wide>(p); assert(0); } catch (const std::bad_alloc &) { }
	try { mm::pool again("things", 8); assert(0); }
	catch (const mm::error &e) { assert(e.code() == MM_EEXIST && *e.what()); }
	mm::pool few("few", 16, 2, MM_ACCESS_GENERAL, false);
	void *a = few.allocate(), *b = few.allocate();
	try { few.allocate(); assert(0); } catch (const std::bad_alloc &) { }
	few.deallocate(a);
	few.deallocate(b);
	mm::pool other = std::move(few);
	assert(other.stats().block_bytes == 16);
}

static void containers()
{
	mm::pool nodes("nodes", 64);
	{
		std::list<int, mm::pool_allocator<int>> l{mm::pool_allocator<int>(nodes)};
		for (int i = 0; i < 1000; i++)
			l.push_back(i);
		std::map<int, int, std::less<int>, mm::pool_allocator<std::pair<const int, int>>>
			m{std::less<int>(), mm::pool_allocator<std::pair<const int, int>>(nodes)};
		for (int i = 0; i < 1000; i++)
			m[i * 7 % 1000] = i;
		assert(live_of(nodes) == 2000 && m[7] == 1 && l.back() == 999);
		l.remove_if([](int i) { return i % 2; });
		assert(live_of(nodes) == 1500);
	}
	assert(live_of(nodes) == 0);
}

static void heaps()
{
	mm::manager own;
	{
		mm::scoped_category c(MM_CATEGORY_MESH_DATA);
		std::vector<float, mm::allocator<float>> v{mm::allocator<float>(own)};
		v.resize(1000);
		struct mm_usage u;
		assert(!::mm_usage(own.get(), MM_CATEGORY_MESH_DATA, &u) && u.used_bytes >= 4000);
		std::basic_string<char, std::char_traits<char>, mm::allocator<char>> s(500, 'x', mm::allocator<char>(own));
		assert(live_blocks(own.get()) == 2);
		mm::memory_resource r(own), same(own), none;
		std::pmr::vector<wide> w(&r);
		w.resize(3);
		assert((std::uintptr_t)w.data() % 64 == 0 && r.is_equal(same) && !r.is_equal(none));
		assert(mm::allocator<int>(own) != mm::allocator<int>());
	}
	assert(live_blocks(own.get()) == 0);
	std::pmr::string t(300, 'y', mm::resource());
	assert(live_blocks(nullptr) == 1);
	mm_budget_set(own.get(), MM_CATEGORY_GENERAL, 100, MM_BUDGET_DENY);
	try { mm::allocator<char>(own).allocate(101); assert(0); } catch (const std::bad_alloc &) { }
	try { mm::allocator<int>(own).allocate(~std::size_t(0) / 2); assert(0); }
	catch (const std::bad_alloc &) { }
}

int main()
{
	pools();
	containers();
	heaps();
}
P

with()
{
	command -v "$1" >/dev/null || return 0
	"$1" -std="$2" -Wall -Wextra -Werror -O1 -I"$src/include" use.cc "$build/.libs/libmm.so" \
		-Wl,-rpath,"$build/.libs" -o use && ./use
}

for standard in c++17 c++20; do
	check "g++, $standard" with "${CXX:-g++}" $standard
	check "clang++, $standard" with clang++ $standard
done

installed()
{
	make -s -C "$build" install DESTDIR="$tmp/root" >/dev/null 2>&1 || return
	local pc
	pc=$(find "$tmp/root" -name mm.pc) && [ -n "$pc" ] || return
	export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$tmp/root
	"${CXX:-g++}" -std=c++17 use.cc $(pkg-config --cflags --libs mm) -o used &&
		LD_LIBRARY_PATH=$(dirname "$(find "$tmp/root" -name libmm.so)") ./used
}

check "an installed tree, by pkg-config" installed
done_testing
