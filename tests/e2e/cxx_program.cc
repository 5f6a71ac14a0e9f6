/* cxx_program: mm.hpp as a program uses it; says what does not hold, and exits 1. */
#include <mm.hpp>

#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

static int wrong;

static void holds(bool is_so, const char *what)
{
	if (!is_so) {
		std::printf("does not hold: %s\n", what);
		wrong = 1;
	}
}
#define HOLDS(...) holds((__VA_ARGS__), #__VA_ARGS__)

static std::uint64_t live(const mm::pool &p)
{
	struct mm_pool_stats s;

	mm_pool_stats(p.get(), &s);
	return s.allocated;
}

static std::uint64_t used(mm_manager *m, std::uint32_t category)
{
	struct mm_usage u{};

	mm_usage(m, category, &u);
	return u.used_bytes;
}

struct counted {
	static int alive;
	int a, b;

	counted(int x, int y) : a(x), b(y)
	{
		if (x < 0)
			throw std::runtime_error("no");
		alive++;
	}
	~counted() { alive--; }
};
int counted::alive;

static void objects(mm_manager *m)
{
	mm::pool p(m, "objects", sizeof(counted), 2, MM_ACCESS_GENERAL, false);
	mm::pool twin(m, "objects", 8);
	bool thrown = false;

	HOLDS(p && p.error() == MM_OK);
	HOLDS(!twin && twin.error() == MM_EEXIST);
	{
		auto one = mm::make_in<counted>(p, 1, 2);
		auto two = mm::make_in<counted>(p, 3, 4);
		HOLDS(one->b == 2 && two->a == 3 && counted::alive == 2 && live(p) == 2);
		HOLDS(p.owns(one.get()) && !p.owns(&thrown));
		try {
			mm::make_in<counted>(p, 5, 6);
		} catch (const std::bad_alloc &) {
			thrown = true;
		}
		HOLDS(thrown);
	}
	HOLDS(counted::alive == 0 && live(p) == 0);
	thrown = false;
	try {
		mm::make_in<counted>(p, -1, 0);
	} catch (const std::runtime_error &) {
		thrown = true;
	}
	HOLDS(thrown && live(p) == 0);
	mm::pool moved(std::move(p));
	HOLDS(!p && moved && mm_pool_get(m, "objects") == moved.get());
}

static void nodes(mm_manager *m)
{
	using pair = std::pair<const int, int>;
	mm::pool p(m, "nodes", 64);
	{
		std::map<int, int, std::less<>, mm::pool_allocator<pair>> map(p);
		std::set<int, std::less<>, mm::pool_allocator<int>> set(p);
		std::list<int, mm::pool_allocator<int>> list(p);
		std::vector<int, mm::pool_allocator<int>> row(p); /* arrays: not of the pool */
		for (int i = 0; i < 1000; i++) {
			map[i] = i * 7;
			set.insert(i % 500);
			list.push_front(i);
			row.push_back(i);
		}
		HOLDS(live(p) == 1000 + 500 + 1000);
		HOLDS(map[999] == 6993 && set.size() == 500 && list.back() == 0 && row[9] == 9);
		HOLDS(p.owns(&map[3]) && p.owns(&list.front()) && !p.owns(&row[0]));
		auto copy = map;
		HOLDS(copy == map && live(p) == 3500);
	}
	HOLDS(live(p) == 0);
	mm::pool small(m, "small", 8);
	std::map<int, int, std::less<>, mm::pool_allocator<pair>> wide(small);
	wide[1] = 2; /* a node does not fit: the general heap */
	HOLDS(live(small) == 0 && wide[1] == 2);
}

static void general(mm_manager *m)
{
	mm::memory_resource mesh(m, MM_CATEGORY_MESH_DATA), same(m), other;
	std::uint64_t before = used(m, MM_CATEGORY_MESH_DATA);
	{
		std::pmr::vector<std::pmr::string> v(&mesh);
		for (int i = 0; i < 100; i++)
			v.emplace_back("a string that is too long to be kept in itself");
		HOLDS(used(m, MM_CATEGORY_MESH_DATA) >= before + 100 * 40);
		void *wide = mesh.allocate(100, 4096);
		HOLDS(reinterpret_cast<std::uintptr_t>(wide) % 4096 == 0);
		mesh.deallocate(wide, 100, 4096);
	}
	HOLDS(used(m, MM_CATEGORY_MESH_DATA) == before);
	HOLDS(mesh == same && !(mesh == other));
	{
		mm::category_scope scope(MM_CATEGORY_SVO_NODES);
		std::vector<int, mm::allocator<int>> v(1000, 7, mm::allocator<int>(m));
		HOLDS(used(m, MM_CATEGORY_SVO_NODES) >= 4000 && v[999] == 7);
	}
	HOLDS(used(m, MM_CATEGORY_SVO_NODES) == 0);
	mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_DENY);
	bool thrown = false;
	try {
		std::pmr::vector<char> v(1001, 'x', &mesh);
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	HOLDS(thrown);
}

int main()
{
	mm::manager m;

	HOLDS(m && m.error() == MM_OK);
	objects(m.get());
	nodes(m.get());
	general(m.get());
	mm::manager moved(std::move(m));
	HOLDS(!m && moved);
	return wrong;
}
