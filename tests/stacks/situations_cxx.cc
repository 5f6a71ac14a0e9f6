// situations_cxx.cc: exceptions on their way, caught, rethrown, and the destructors they run.
#include <stdexcept>
#include <string>
#include <vector>

#include "stackharness.h"

extern "C" void cxx_situations(void);

namespace {

struct Guard {
	int n;
	explicit Guard(int v) : n(v) {}
	~Guard() { stack_hook(); }
};

struct Error : std::runtime_error {
	using std::runtime_error::runtime_error;
	Error(const Error &o) : std::runtime_error(o) { stack_hook(); }
};

__attribute__((noinline)) int thrower(int n)
{
	Guard g(n);
	if (n <= 0) {
		stack_hook();
		throw Error("deep");
	}
	std::vector<std::string> v(static_cast<size_t>(n), "text that is too long for small strings");
	return thrower(n - 1) + static_cast<int>(v.size());
}

__attribute__((noinline)) int catcher(int n)
{
	try {
		return thrower(n);
	} catch (const Error &e) {
		stack_hook();
		if (n % 3 == 0)
			throw;
		return static_cast<int>(std::string(e.what()).size());
	}
}

struct Base {
	virtual ~Base() = default;
	virtual int call(int n) = 0;
};

struct Derived : Base {
	int call(int n) override
	{
		Guard g(n);
		return n > 0 ? call(n - 1) + 1 : 0;
	}
};

} // namespace

void cxx_situations(void)
{
	harness_situation("C++ exceptions");
	for (int i = 0; i < 60; i++) {
		uint32_t height = shadow_height();
		try {
			catcher(i % 10);
		} catch (const std::exception &) {
			shadow_set_height(height);
			stack_hook();
		}
		shadow_set_height(height);
		Derived d;
		static_cast<Base &>(d).call(i % 5);
	}
}
