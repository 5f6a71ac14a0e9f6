# symbol_oracle.sh: functions, files, lines and inlined frames are those that addr2line
# finds, for each kind of debug information that compilers here can make.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
probe=$build/symprobe
compare="$src/tests/e2e/symbol_compare.py"

cat >inner.h <<'C'
static inline __attribute__((always_inline)) int twice(int v)
{
	volatile int w = v;
	return w * 2;
}
C
cat >a.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "inner.h"
struct node { struct node *next; int value; };
static inline struct node *push(struct node *list, int v)
{
	struct node *n = malloc(sizeof *n);
	if (!n)
		abort();
	n->next = list;
	n->value = twice(v);
	return n;
}
static int cold(const char *text) { return fprintf(stderr, "%s\n", text); }
static int sum(const struct node *n)
{
	int s = 0;
	for (; n; n = n->next)
		s += n->value % 3 ? twice(n->value) : n->value;
	return s;
}
int work(int count);
int work(int count)
{
	struct node *list = NULL;
	for (int i = 0; i < count; i++)
		list = push(list, i);
	int s = sum(list);
	if (s < 0)
		cold("negative");
	while (list) {
		struct node *next = list->next;
		free(list);
		list = next;
	}
	return s;
}
C
cat >b.c <<'C'
#include <stdio.h>
int work(int count);
int main(int argc, char **argv)
{
	(void)argv;
	printf("%d\n", work(argc * 100));
	return 0;
}
C
cat >t.cpp <<'C'
#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>
namespace svo {
template <class T> struct Tree {
	std::map<std::string, std::vector<T>> nodes;
	std::vector<std::unique_ptr<Tree>> children;
	void insert(const std::string &key, T value)
	{
		nodes[key].push_back(value);
		if (nodes[key].size() % 7 == 0) {
			children.push_back(std::make_unique<Tree>());
			children.back()->insert(key + "'", value);
		}
	}
	T total() const
	{
		T t = 0;
		for (auto &n : nodes)
			t = std::accumulate(n.second.begin(), n.second.end(), t);
		for (auto &c : children)
			t += c->total();
		return t;
	}
};
}
int main(int argc, char **)
{
	svo::Tree<int> a;
	svo::Tree<double> b;
	std::vector<std::string> keys;
	for (int i = 0; i < argc * 1000; i++)
		keys.push_back("key " + std::to_string(i * 7919 % 1000));
	std::sort(keys.begin(), keys.end());
	for (auto &k : keys) {
		a.insert(k, (int)k.size());
		b.insert(k, 0.5);
	}
	return a.total() + (int)b.total() > 0 ? 0 : 1;
}
C
cat >r.rs <<'C'
use std::collections::HashMap;
struct Tree { nodes: HashMap<String, Vec<u64>> }
impl Tree {
    fn insert(&mut self, key: &str, value: u64) {
        self.nodes.entry(key.to_string()).or_default().push(value);
    }
    fn total(&self) -> u64 { self.nodes.values().flat_map(|v| v.iter()).sum() }
}
fn main() {
    let mut t = Tree { nodes: HashMap::new() };
    for i in 0..1000u64 { t.insert(&format!("key {}", i % 17), i); }
    println!("{}", t.total());
}
C

# agrees NAME COMMAND...: builds ./prog by the command, compares 3000 addresses.
agrees()
{
	local name=$1
	shift
	rm -f prog
	if ! "$@" >built 2>&1; then
		skip "$name" "cannot build: $(head -n 1 built)"
		return
	fi
	check "$name" python3 "$compare" "$probe" ./prog 3000
}

# The same for kinds of debug information that GNU addr2line misreads: files of inlined
# code (numbered from 0 in DWARF 5), type units, ranges by clang.
agrees_llvm()
{
	if command -v llvm-addr2line >found; then
		agrees "$@"
	else
		skip "$1" "llvm-addr2line is not installed"
	fi
}

if ! command -v addr2line >found || ! command -v python3 >found; then
	skip "addr2line is the oracle" "addr2line or python3 is not installed"
	done_testing
	exit 0
fi
for level in -O0 -O2; do
	agrees "C $level" gcc -g $level -o prog a.c b.c
	agrees_llvm "C++ $level" g++ -std=c++17 -g $level -o prog t.cpp
done
agrees "C, DWARF 4" gcc -gdwarf-4 -O2 -o prog a.c b.c
agrees "C, DWARF 3" gcc -gdwarf-3 -gstrict-dwarf -O2 -o prog a.c b.c
agrees_llvm "C, link-time optimisation" gcc -g -O2 -flto -o prog a.c b.c
agrees "C, compressed sections" gcc -g -O2 -gz -o prog a.c b.c
agrees "C, not position-independent" gcc -g -O2 -no-pie -o prog a.c b.c
agrees "C, a section a function" gcc -g -O2 -ffunction-sections -Wl,--gc-sections -o prog a.c b.c
agrees_llvm "C++, type units" g++ -std=c++17 -g -O2 -fdebug-types-section -o prog t.cpp
agrees_llvm "C, clang" clang -g -O2 -o prog a.c b.c
agrees_llvm "C++, clang" clang++ -std=c++17 -g -O2 -o prog t.cpp
agrees_llvm "C, lines only" clang -gline-tables-only -O2 -o prog a.c b.c
agrees "Rust" rustc -g -O -o prog r.rs
agrees "Rust, v0 names" rustc -g -O -C symbol-mangling-version=v0 -o prog r.rs
done_testing
