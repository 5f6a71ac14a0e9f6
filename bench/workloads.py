"""The programs that the benches record, and the input they get.

Everything is generated into a work directory from fixed seeds, so two machines run
the same thing. A workload is one process unless it says `follow`.
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """A program that a workload needs is not here; says which package has it."""


def need(program, package):
    path = shutil.which(program)
    if not path:
        raise Missing(f"{program} is not installed (package {package})")
    return path


class Workload:
    def __init__(self, name, argv, stdin=None, env=None, cwd=None, prepare=None, allocs=None):
        self.name = name
        self.argv = argv
        self.stdin = stdin        # path, or None for /dev/null
        self.env = env or {}
        self.cwd = cwd
        self.prepare = prepare    # called before every run, outside the clock
        self.allocs = allocs      # exact number, where the program knows it


def write_if_missing(path, produce):
    if not os.path.exists(path):
        with open(path + ".part", "w") as out:
            produce(out)
        os.rename(path + ".part", path)
    return path


def compile_c(work, name, source, extra=()):
    binary = os.path.join(work, name)
    subprocess.run([need("cc", "gcc"), "-std=gnu17", "-O2", "-g", "-pthread", "-o", binary, source,
                    *extra], check=True)
    return binary


# --- one process each ---------------------------------------------------------

def sqlite(work, scale):
    rows, queries = int(60000 * scale), int(26500 * scale)

    def sql(out):
        out.write("create table t(a integer primary key, b text, c real);\n"
                  "create index tb on t(b);\nbegin;\n")
        for i in range(rows):
            out.write("insert into t values(%d,'row %d of the table %d',%d.5);\n"
                      % (i, i * 7919 % rows, i % 97, i % 1013))
        out.write("commit;\n")
        for i in range(queries):
            k = i * 31 % rows
            out.write("select count(*), max(c) from t where b > 'row %d' and b < 'row %dz'"
                      " and a <> %d;\n" % (k, k, i))
        out.write("select count(*), sum(length(g)) from (select group_concat(b) g from t"
                  " group by cast(c as int) % 500);\n")

    path = write_if_missing(os.path.join(work, f"rows-{scale:g}.sql"), sql)
    return Workload("sqlite", [need("sqlite3", "sqlite3"), ":memory:"], stdin=path)


PYTHON_JSON = """
import json, sys
state = 12345
def rand(n):
    global state
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return state % n
def doc(depth):
    if depth == 0:
        return {"id": rand(1 << 30), "name": "n%d" % rand(100000),
                "v": [rand(1000) / 7.0 for _ in range(6)], "flag": rand(2) == 1, "none": None}
    return {"k%d" % i: doc(depth - 1) for i in range(6)}
tree, length = doc(5), 0
for i in range(int(sys.argv[1])):
    text = json.dumps(tree, sort_keys=i % 2 == 0)
    length += len(text)
    tree = json.loads(text)
print(length)
"""


def python_json(work, scale):
    path = write_if_missing(os.path.join(work, "roundtrip.py"), lambda out: out.write(PYTHON_JSON))
    python = os.path.realpath(sys.executable)
    return Workload("python-json", [python, "-S", "-s", path, str(max(1, round(10 * scale)))],
                    env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"})


PERL = r"""
my (%h, $n); my $s = 12345;
for my $i (1 .. $ARGV[0]) {
    $s = ($s * 1103515245 + 12345) & 0x7fffffff;
    push @{$h{"key " . ($s % 50021)}}, { n => $i, t => "v$s" };
}
for my $k (sort keys %h) {
    my $l = join(",", map { $_->{t} } @{$h{$k}});
    $n += length($l) + scalar(() = $l =~ /\d+/g);
    my @p = split(/,/, $l);
    $n += @p;
}
print "$n\n";
"""


def perl(work, scale):
    path = write_if_missing(os.path.join(work, "words.pl"), lambda out: out.write(PERL))
    return Workload("perl", [need("perl", "perl"), path, str(int(200000 * scale))],
                    env={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"})


C_HEADERS = ("stdio stdlib string stdint math time errno fcntl unistd signal pthread locale wchar "
             "ctype limits sys/types sys/stat sys/socket netinet/in").split()
C_UNIT = """
struct node_%(i)d { struct node_%(i)d *next; int key[%(m)d]; const char *name;
	union { double d; uint64_t u; } v; };
static uint64_t mix_%(i)d(uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < %(m)d; i++)
		a = (a ^ (b >> (i %% 13))) * UINT64_C(%(k)d) + i;
	return a ^ a >> 31;
}
int visit_%(i)d(struct node_%(i)d *n, int depth, char *text, size_t size)
{
	uint64_t h = 0;
	int found = 0;
	for (; n; n = n->next) {
		switch (n->key[depth %% %(m)d] %% 7) {
		case 0: h += mix_%(i)d(h, n->v.u); break;
		case 1: h ^= (uint64_t)n->v.d; break;
		case 2: if (n->name && strcmp(n->name, "node %(i)d") == 0) found++; break;
		case 3: snprintf(text, size, "%%d of %%s", depth, n->name ? n->name : "-"); break;
		default: found += (int)(h >> 60);
		}
	}
	return found + (int)(h %% 97);
}
"""


def c_source(units):
    def produce(out):
        for header in C_HEADERS:
            out.write(f"#include <{header}.h>\n")
        for i in range(units):
            out.write(C_UNIT % {"i": i, "m": 3 + i % 11, "k": 6364136223846793005 - 2 * i})
    return produce


def cc1(work, scale):
    gcc = need("gcc", "gcc")
    units = max(5, int(330 * scale))
    source = write_if_missing(os.path.join(work, f"unit-{units}.c"), c_source(units))
    preprocessed = source[:-2] + ".i"
    if not os.path.exists(preprocessed):
        subprocess.run([gcc, "-E", "-o", preprocessed, source], check=True)
    compiler = subprocess.run([gcc, "-print-prog-name=cc1"], check=True, capture_output=True,
                              text=True).stdout.strip()
    if not os.path.isabs(compiler):
        raise Missing("cc1 was not found by gcc -print-prog-name=cc1")
    return Workload("cc1", [compiler, "-quiet", "-O1", preprocessed, "-o", os.devnull])


def fast_import(commits):
    state = 1

    def rand(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (state >> 33) % n

    files = [["line %d of file %d: %d" % (i, f, rand(1000000)) for i in range(200)]
             for f in range(120)]
    yield "reset refs/heads/main\n"
    for c in range(commits):
        message = "Change %d of many\n" % c
        yield ("commit refs/heads/main\ncommitter A U Thor <author@example.org> %d +0000\n"
               "data %d\n%s" % (1600000000 + c * 60, len(message), message))
        for f in range(120) if c == 0 else sorted({rand(120) for _ in range(3)}):
            lines = files[f]
            for _ in range(5):
                lines[rand(len(lines))] = "changed in %d: %d" % (c, rand(1000000))
            lines.insert(rand(len(lines)), "new in %d" % c)
            text = "\n".join(lines) + "\n"
            yield "M 100644 inline dir%d/file%d.txt\ndata %d\n%s\n" % (f % 10, f, len(text), text)
        yield "\n"


def git_repository(work, scale):
    path = os.path.join(work, f"repository-{scale:g}")
    if not os.path.exists(path):
        part = path + ".part"
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run([need("git", "git"), "init", "-q", "-b", "main", part], check=True)
        stream = "".join(fast_import(max(20, int(4000 * scale)))).encode()
        subprocess.run(["git", "-C", part, "fast-import", "--quiet"], input=stream, check=True)
        os.rename(part, path)
    return path


GIT_ENV = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"}


def git_log(work, scale):
    return Workload("git-log", [need("git", "git"), "--no-pager", "log", "-p", "--no-color", "main"],
                    cwd=git_repository(work, scale), env=GIT_ENV)


def loop(threads):
    def make(work, scale):
        binary = compile_c(work, "loop", os.path.join(HERE, "workloads", "loop.c"))
        count = max(1000, int(1000000 * scale))
        return Workload(f"loop-{threads}", [binary, str(threads), str(count)],
                        allocs=threads * count)
    return make


def random_sizes(work, scale):
    binary = compile_c(work, "random", os.path.join(HERE, "workloads", "random.c"))
    count = max(1000, int(2000000 * scale))
    return Workload("random", [binary, str(count)], allocs=count)


# --- whole trees of processes -------------------------------------------------------

CXX = """#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
"""
CXX_UNIT = """
template <int N> struct row%(i)d { std::map<std::string, std::vector<std::array<int, N>>> cells; };
std::string join%(i)d(row%(i)d<%(m)d> &r)
{
	std::ostringstream s;
	std::unordered_map<std::string, std::shared_ptr<row%(i)d<%(m)d>>> seen;
	for (auto &c : r.cells) {
		std::sort(c.second.begin(), c.second.end());
		seen[c.first] = std::make_shared<row%(i)d<%(m)d>>(r);
		s << c.first << c.second.size() << seen.size();
	}
	return std::regex_replace(s.str(), std::regex("[0-9]+"), "n");
}
"""


def gxx(work, scale):
    units = max(2, int(12 * scale))

    def produce(out):
        out.write(CXX + "#include <array>\n")
        for i in range(units):
            out.write(CXX_UNIT % {"i": i, "m": 2 + i})

    source = write_if_missing(os.path.join(work, f"unit-{units}.cpp"), produce)
    return Workload("g++ -c", [need("g++", "g++"), "-c", "-O1", source, "-o",
                               os.path.join(work, "unit.o")])


def git_gc(work, scale):
    original = git_repository(work, scale)
    copy = os.path.join(work, "repository-gc")

    def prepare():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy)

    return Workload("git gc", [need("git", "git"), "-c", "gc.auto=0", "gc", "--quiet",
                               "--aggressive", "--prune=now"],
                    cwd=copy, env=GIT_ENV, prepare=prepare)


# --- a C++ program with debug information -----------------------------------------------

CXX_MAIN = """
int main(int argc, char **argv)
{
	size_t n = 0;
	int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
	for (int k = 0; k < rounds; k++) {
%s
	}
	std::cout << n << std::endl;
}
"""
CXX_CALL = """		{ row%(i)d<%(m)d> r; for (int j = 0; j < 40; j++) r.cells["cell " +
			std::to_string(j * 7 %% 31)].push_back({j, k}); n += join%(i)d(r).size(); }"""


def cxx_debug(work, scale):
    """A program of its own size of -g C++: many templates, many inlined frames."""
    units = max(2, int(12 * scale))

    def produce(out):
        out.write(CXX + "#include <array>\n")
        for i in range(units):
            out.write(CXX_UNIT % {"i": i, "m": 2 + i})
        out.write(CXX_MAIN % "\n".join(CXX_CALL % {"i": i, "m": 2 + i} for i in range(units)))

    source = write_if_missing(os.path.join(work, f"debug-{units}.cpp"), produce)
    binary = source[:-4]
    if not os.path.exists(binary):
        subprocess.run([need("g++", "g++"), "-g", "-O1", "-o", binary, source], check=True)
    return Workload("cxx-debug", [binary, str(max(1, int(400 * scale)))])


SINGLE = {
    "sqlite": sqlite, "python-json": python_json, "git-log": git_log, "cc1": cc1, "perl": perl,
    "loop-1": loop(1), "loop-2": loop(2), "loop-4": loop(4), "loop-8": loop(8),
    "random": random_sizes,
}
FOLLOWED = {"g++": gxx, "git-gc": git_gc}
