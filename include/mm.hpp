// mm.hpp: libmm for C++17 and later: owners, containers over pools, std::pmr.
//
//	mm::pool nodes("nodes", sizeof(node));
//	auto n = mm::make_in<node>(nodes, 1, 2);            // std::unique_ptr, back to its pool
//	std::list<int, mm::pool_allocator<int>> l(mm::pool_allocator<int>{nodes});
//
//	mm::scoped_category c(MM_CATEGORY_MESH_DATA);        // for this thread, to the end of the block
//	std::vector<float, mm::allocator<float>> v;          // the general heap
//	std::pmr::vector<int> p(mm::resource());
//
// Promise: header only, nothing beyond what mm.h does; what cannot be had throws std::bad_alloc,
// a pool or manager that cannot be made throws mm::error, and nothing else throws.
// Vocabulary as in mm.h. Owners move and are not copied; what they own goes with them.
// Thread-safety is mm.h's: any thread may call anything, an owner is destroyed by one.
#ifndef MM_HPP
#define MM_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "mm.h"

namespace mm {

// What a call of mm.h answered. what() is static text.
class error : public std::exception {
public:
	explicit error(int code) noexcept : code_(code) {}
	int code() const noexcept { return code_; }
	const char *what() const noexcept override { return mm_strerror(code_); }

private:
	int code_;
};

namespace detail {
inline void check(int err)
{
	if (err)
		throw error(err);
}
} // namespace detail

// A manager of its own.
class manager {
public:
	manager() { detail::check(mm_manager_create(&m_)); }
	~manager() { mm_manager_destroy(m_); }
	manager(manager &&o) noexcept : m_(std::exchange(o.m_, nullptr)) {}
	manager &operator=(manager &&o) noexcept
	{
		std::swap(m_, o.m_);
		return *this;
	}
	manager(const manager &) = delete;
	manager &operator=(const manager &) = delete;
	struct mm_manager *get() const noexcept { return m_; }

private:
	struct mm_manager *m_ = nullptr;
};

// A pool of blocks of one size; by the default manager unless another is given, which must
// outlive it.
class pool {
public:
	explicit pool(const char *name, std::size_t block_bytes, std::uint64_t block_count = 0,
		      enum mm_access access = MM_ACCESS_GENERAL, bool allow_growth = true,
		      struct mm_manager *m = nullptr)
		: bytes_(block_bytes)
	{
		detail::check(mm_pool_create(m, name, block_bytes, block_count, access,
					     allow_growth, &p_));
	}
	~pool() { mm_pool_destroy(p_); }
	pool(pool &&o) noexcept : p_(std::exchange(o.p_, nullptr)), bytes_(o.bytes_) {}
	pool &operator=(pool &&o) noexcept
	{
		std::swap(p_, o.p_);
		std::swap(bytes_, o.bytes_);
		return *this;
	}
	pool(const pool &) = delete;
	pool &operator=(const pool &) = delete;

	// std::bad_alloc without memory, and at the limit.
	void *allocate()
	{
		void *p = mm_pool_alloc(p_);
		if (!p)
			throw std::bad_alloc();
		return p;
	}
	void deallocate(void *p) noexcept { mm_pool_free(p_, p); }
	std::size_t block_bytes() const noexcept { return bytes_; }
	struct mm_pool_stats stats() const noexcept
	{
		struct mm_pool_stats s;
		mm_pool_stats(p_, &s);
		return s;
	}
	struct mm_pool *get() const noexcept { return p_; }

private:
	struct mm_pool *p_ = nullptr;
	std::size_t bytes_ = 0;
};

// Destroys an object and gives its block back.
template <class T> class in_pool {
public:
	in_pool() noexcept = default;
	explicit in_pool(struct mm_pool *p) noexcept : p_(p) {}
	void operator()(T *t) const noexcept
	{
		t->~T();
		mm_pool_free(p_, t);
	}

private:
	struct mm_pool *p_ = nullptr;
};

template <class T> using unique_in = std::unique_ptr<T, in_pool<T>>;

// An object in a block of the pool, which must be large enough and lie as T asks: blocks lie at
// multiples of the largest power of two that divides their size, at most 64. Else
// std::bad_alloc.
template <class T, class... Args> unique_in<T> make_in(pool &p, Args &&...args)
{
	const std::size_t b = (p.block_bytes() + 7) & ~std::size_t(7);
	if (sizeof(T) > b || b % alignof(T) || alignof(T) > 64)
		throw std::bad_alloc();
	struct back {
		pool &p;
		void *block;
		~back() { p.deallocate(block); }
	} held{p, p.allocate()};
	T *t = ::new (held.block) T(std::forward<Args>(args)...);
	held.block = nullptr;
	return unique_in<T>(t, in_pool<T>(p.get()));
}

// What this thread allocates is of that category while it lives.
class scoped_category {
public:
	explicit scoped_category(std::uint32_t category) { mm_category_begin(category); }
	~scoped_category() { mm_category_end(); }
	scoped_category(const scoped_category &) = delete;
	scoped_category &operator=(const scoped_category &) = delete;
};

namespace detail {
inline void *take(struct mm_manager *m, std::size_t bytes, std::size_t align)
{
	struct mm_what what = MM_WHAT;
	void *p = nullptr;
	what.align = align;
	if (mm_alloc_as(m, bytes, &what, &p))
		throw std::bad_alloc();
	return p;
}
} // namespace detail

// For containers: the general heap of a manager (the default one), in this thread's category.
template <class T> class allocator {
public:
	using value_type = T;
	allocator() noexcept = default;
	explicit allocator(const manager &m) noexcept : m_(m.get()) {}
	template <class U> allocator(const allocator<U> &o) noexcept : m_(o.manager()) {}

	T *allocate(std::size_t n)
	{
		if (n > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T))
			throw std::bad_array_new_length();
		return static_cast<T *>(detail::take(m_, n * sizeof(T), alignof(T)));
	}
	void deallocate(T *p, std::size_t) noexcept { mm_free(m_, p); }
	struct mm_manager *manager() const noexcept { return m_; }

private:
	struct mm_manager *m_ = nullptr;
};

template <class T, class U>
bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return a.manager() == b.manager();
}

template <class T, class U>
bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
	return !(a == b);
}

// For containers of nodes (list, map, set): nodes that fit the pool's blocks lie there, all else
// (arrays, larger nodes) in the general heap of the default manager. The pool must outlive it.
template <class T> class pool_allocator {
public:
	using value_type = T;
	explicit pool_allocator(const pool &p) noexcept : p_(p.get()), bytes_(p.block_bytes()) {}
	template <class U> pool_allocator(const pool_allocator<U> &o) noexcept
		: p_(o.get()), bytes_(o.block_bytes())
	{
	}

	T *allocate(std::size_t n)
	{
		if (!fits(n))
			return allocator<T>().allocate(n);
		void *p = mm_pool_alloc(p_);
		if (!p)
			throw std::bad_alloc();
		return static_cast<T *>(p);
	}
	void deallocate(T *p, std::size_t n) noexcept
	{
		if (fits(n))
			mm_pool_free(p_, p);
		else
			allocator<T>().deallocate(p, n);
	}
	struct mm_pool *get() const noexcept { return p_; }
	std::size_t block_bytes() const noexcept { return bytes_; }

private:
	bool fits(std::size_t n) const noexcept
	{
		const std::size_t b = (bytes_ + 7) & ~std::size_t(7);
		return n == 1 && sizeof(T) <= b && b % alignof(T) == 0 && alignof(T) <= 64;
	}

	struct mm_pool *p_;
	std::size_t bytes_;
};

template <class T, class U>
bool operator==(const pool_allocator<T> &a, const pool_allocator<U> &b) noexcept
{
	return a.get() == b.get();
}

template <class T, class U>
bool operator!=(const pool_allocator<T> &a, const pool_allocator<U> &b) noexcept
{
	return !(a == b);
}

// std::pmr over the general heap of a manager.
class memory_resource : public std::pmr::memory_resource {
public:
	memory_resource() noexcept = default;
	explicit memory_resource(const manager &m) noexcept : m_(m.get()) {}

private:
	void *do_allocate(std::size_t bytes, std::size_t align) override
	{
		return detail::take(m_, bytes, align);
	}
	void do_deallocate(void *p, std::size_t, std::size_t) override { mm_free(m_, p); }
	bool do_is_equal(const std::pmr::memory_resource &o) const noexcept override
	{
		const auto *r = dynamic_cast<const memory_resource *>(&o);
		return r && r->m_ == m_;
	}

	struct mm_manager *m_ = nullptr;
};

// That of the default manager; it lives as long as the process.
inline memory_resource *resource() noexcept
{
	static memory_resource r;
	return &r;
}

} // namespace mm

#endif
