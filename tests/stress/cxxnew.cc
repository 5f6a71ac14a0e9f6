// cxxnew: every form of operator new and delete, in numbers the program knows.
//
// Usage: cxxnew ROUNDS. Prints "allocs N frees N live N": calls of its own, all of sizes
// from 30011 to 30019, so that the runtime's own allocations cannot be mistaken for them.
#include <cstdio>
#include <cstdlib>
#include <new>

struct alignas(64) Wide { char bytes[30016]; };
struct Plain { char bytes[30011]; };

static void *volatile sink;

template <class T> static T *keep(T *p)
{
	sink = p;
	return p;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? std::atol(argv[1]) : 1000;
	long allocs = 0, frees = 0;
	for (long i = 0; i < rounds; i++) {
		Plain *a = keep(new Plain);
		char *b = keep(new char[30012]);
		Plain *c = keep(new (std::nothrow) Plain);
		char *d = keep(new (std::nothrow) char[30013]);
		Wide *e = keep(new Wide);
		void *f = keep(static_cast<char *>(::operator new(30014, std::align_val_t(128))));
		void *g = keep(std::malloc(30015));
		delete a;
		delete[] b;
		delete c;
		::operator delete[](d, std::nothrow);
		delete e;
		::operator delete(f, std::align_val_t(128));
		if (i % 100)
			std::free(g);
		else
			frees--;
		allocs += 7;
		frees += 7;
	}
	std::printf("allocs %ld frees %ld live %ld\n", allocs, frees, allocs - frees);
}
