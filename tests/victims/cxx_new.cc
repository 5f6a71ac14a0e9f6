// victim: every operator new and delete, exceptions out of them, new handlers.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

struct alignas(64) Wide { char b[256]; };

static int handler_calls;
static void handler()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

int main()
{
	int thrown = 0, null = 0;
	volatile std::size_t huge = ~std::size_t(0) / 2 - 100000;

	for (int i = 0; i < 1000; i++) {
		std::unique_ptr<Wide> w(new Wide);
		std::unique_ptr<Wide[]> ws(new Wide[3]);
		std::unique_ptr<int[]> n(new (std::nothrow) int[10]);
		std::vector<std::string> v(20, std::string(100, 'x'));
		if (reinterpret_cast<std::size_t>(w.get()) % 64)
			return 1;
	}
#ifdef FAILURE_ABORTS
	return 0; // built as C, this allocator cannot throw
#endif
	for (int i = 0; i < 10; i++) {
		std::set_new_handler(handler);
		handler_calls = 0;
		try {
			::operator delete(::operator new(huge));
		} catch (const std::bad_alloc &) {
			thrown += handler_calls == 3;
		}
		std::set_new_handler(nullptr);
		null += ::operator new(huge, std::nothrow) == nullptr;
		try {
			::operator delete[](::operator new[](huge, std::align_val_t(64)),
					    std::align_val_t(64));
		} catch (const std::bad_alloc &) {
			thrown++;
		}
		try {
			throw std::runtime_error(std::string(200, 'e'));
		} catch (const std::exception &e) {
			null += e.what()[199] == 'e';
		}
	}
	std::printf("%d thrown, %d null\n", thrown, null);
	return 0;
}
