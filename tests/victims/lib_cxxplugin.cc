// A C++ plugin: containers, an exception, a failing new.
#include <map>
#include <new>
#include <stdexcept>
#include <string>

extern "C" int plugin_work(int n)
{
	std::map<int, std::string> m;
	int caught = 0;
	volatile std::size_t huge = ~std::size_t(0) / 2 - 100000;

	for (int i = 0; i < n; i++)
		m[i] = std::string(100, 'p');
	try {
		throw std::runtime_error("x");
	} catch (const std::exception &) {
		caught++;
	}
	try {
		delete[] new char[huge];
	} catch (const std::bad_alloc &) {
		caught++;
	}
	return (int)m.size() + caught;
}
