/* mm.hpp: libmm in C++17 and later: what ends by itself, and memory for containers.
 *
 *	mm::pool nodes(nullptr, "nodes", sizeof(node));
 *	auto n = mm::make_in<node>(nodes, 1, 2);                // a std::unique_ptr
 *	std::map<int, int, std::less<>, mm::pool_allocator<std::pair<const int, int>>> m(nodes);
 *	mm::memory_resource memory(nullptr, MM_CATEGORY_MESH_DATA);
 *	std::pmr::vector<float> v(&memory);
 *
 * Promise: a thin layer: each call is one of mm.h's. What allocates for containers throws
 * std::bad_alloc; constructors of manager and pool do not throw: ask them.
 * Vocabulary
 *   handle   what mm.h calls the thing; an object owns it, or it has none
 * A nullptr for a manager is the default one. Threads: as mm.h says of the handles; an object
 * itself is one thread's at a time, and outlives the containers that use it.
 * Never: state of its own beside the handle; code in the library.
 */
#ifndef MM_HPP
#define MM_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include "mm.h"

namespace mm {

/* --- owners --------------------------------------------------------------------------------- */

class manager {
public:
	manager() noexcept : error_(mm_manager_create(&handle_)) {}
	explicit manager(const mm_manager_options &options) noexcept
		: error_(mm_manager_create_with(&options, &handle_)) {}
	manager(manager &&other) noexcept
		: handle_(std::exchange(other.handle_, nullptr)), error_(other.error_) {}
	manager &operator=(manager &&other) noexcept
	{
		std::swap(handle_, other.handle_);
		std::swap(error_, other.error_);
		return *this;
	}
	~manager() { mm_manager_destroy(handle_); }

	mm_manager *get() const noexcept { return handle_; }
	explicit operator bool() const noexcept { return handle_ != nullptr; }
	int error() const noexcept { return error_; } /* MM_OK, or why there is no handle */

private:
	mm_manager *handle_ = nullptr;
	int error_;
};

/* Destroyed before its manager is. */
class pool {
public:
	pool(mm_manager *m, const char *name, std::size_t block_bytes,
	     std::uint64_t block_count = 0, mm_access access = MM_ACCESS_GENERAL,
	     bool allow_growth = true) noexcept
		: manager_(m), block_bytes_((block_bytes + 7) & ~std::size_t(7)),
		  error_(mm_pool_create(m, name, block_bytes, block_count, access, allow_growth,
					&handle_)) {}
	pool(pool &&other) noexcept
		: handle_(std::exchange(other.handle_, nullptr)), manager_(other.manager_),
		  block_bytes_(other.block_bytes_), error_(other.error_) {}
	pool &operator=(pool &&other) noexcept
	{
		std::swap(handle_, other.handle_);
		std::swap(manager_, other.manager_);
		std::swap(block_bytes_, other.block_bytes_);
		std::swap(error_, other.error_);
		return *this;
	}
	~pool() { mm_pool_destroy(handle_); }

	mm_pool *get() const noexcept { return handle_; }
	explicit operator bool() const noexcept { return handle_ != nullptr; }
	int error() const noexcept { return error_; }
	mm_manager *manager() const noexcept { return manager_; }
	std::size_t block_bytes() const noexcept { return block_bytes_; }

	/* nullptr as mm_pool_alloc. */
	void *alloc() noexcept { return handle_ ? mm_pool_alloc(handle_) : nullptr; }
	void free(void *block) noexcept { mm_pool_free(handle_, block); }
	bool owns(const void *address) const noexcept
	{
		return handle_ && mm_pool_owns(handle_, address);
	}

	/* Whether one object of that size and alignment is given a block. */
	bool serves(std::size_t bytes, std::size_t align) const noexcept
	{
		return handle_ && bytes <= block_bytes_ && align <= 64 &&
		       block_bytes_ % align == 0;
	}

private:
	mm_pool *handle_ = nullptr;
	mm_manager *manager_;
	std::size_t block_bytes_;
	int error_;
};

/* What this thread allocates is of a category until the end of the scope. */
class category_scope {
public:
	explicit category_scope(std::uint32_t category) noexcept { mm_category_begin(category); }
	~category_scope() { mm_category_end(); }
	category_scope(const category_scope &) = delete;
	category_scope &operator=(const category_scope &) = delete;
};

/* --- one object ------------------------------------------------------------------------------ */

template <class T> struct pool_deleter {
	mm_pool *from = nullptr;

	void operator()(T *object) const noexcept
	{
		object->~T();
		mm_pool_free(from, object);
	}
};

template <class T> using pool_ptr = std::unique_ptr<T, pool_deleter<T>>;

/* An object in a block of the pool. std::bad_alloc: there is none, or it is too small. */
template <class T, class... Args> pool_ptr<T> make_in(pool &in, Args &&...args)
{
	void *block = in.serves(sizeof(T), alignof(T)) ? in.alloc() : nullptr;

	if (!block)
		throw std::bad_alloc();
	struct guard {
		pool &in;
		void *block;
		~guard() { in.free(block); }
	} unless_made{in, block};
	T *object = ::new (block) T(std::forward<Args>(args)...);
	unless_made.block = nullptr;
	return pool_ptr<T>(object, pool_deleter<T>{in.get()});
}

/* --- containers -------------------------------------------------------------------------------- */

/* From the general heap; std::bad_alloc. */
inline void *take(mm_manager *m, std::size_t bytes, std::size_t align, std::uint32_t category)
{
	mm_what what = MM_WHAT;
	void *block = nullptr;

	what.category = category;
	what.align = align > 16 ? align : 0;
	if (mm_alloc_as(m, bytes, &what, &block) != MM_OK)
		throw std::bad_alloc();
	return block;
}

template <class T> std::size_t bytes_of(std::size_t n)
{
	if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
		throw std::bad_array_new_length();
	return n * sizeof(T);
}

/* For std::pmr containers, of the general heap. Equal: of one manager. */
class memory_resource : public std::pmr::memory_resource {
public:
	explicit memory_resource(mm_manager *m = nullptr,
				 std::uint32_t category = MM_CATEGORY_CURRENT) noexcept
		: manager_(m ? m : mm_manager_default()), category_(category) {}

private:
	void *do_allocate(std::size_t bytes, std::size_t align) override
	{
		return take(manager_, bytes, align, category_);
	}
	void do_deallocate(void *block, std::size_t, std::size_t) override
	{
		mm_free(manager_, block);
	}
	bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
	{
#if defined(__cpp_rtti)
		auto same = dynamic_cast<const memory_resource *>(&other);
		return same && same->manager_ == manager_;
#else
		return this == &other;
#endif
	}

	mm_manager *manager_;
	std::uint32_t category_;
};

/* For any container, of the general heap. Equal: of one manager. */
template <class T> class allocator {
public:
	using value_type = T;
	using propagate_on_container_copy_assignment = std::true_type;
	using propagate_on_container_move_assignment = std::true_type;
	using propagate_on_container_swap = std::true_type;

	explicit allocator(mm_manager *m = nullptr,
			   std::uint32_t category = MM_CATEGORY_CURRENT) noexcept
		: manager_(m ? m : mm_manager_default()), category_(category) {}
	template <class U> allocator(const allocator<U> &other) noexcept
		: manager_(other.manager_), category_(other.category_) {}

	T *allocate(std::size_t n)
	{
		return static_cast<T *>(take(manager_, bytes_of<T>(n), alignof(T), category_));
	}
	void deallocate(T *block, std::size_t) noexcept { mm_free(manager_, block); }

	template <class U> bool operator==(const allocator<U> &other) const noexcept
	{
		return manager_ == other.manager_;
	}
	template <class U> bool operator!=(const allocator<U> &other) const noexcept
	{
		return manager_ != other.manager_;
	}

private:
	template <class U> friend class allocator;
	mm_manager *manager_;
	std::uint32_t category_;
};

/* For containers of nodes (list, map, set): each node is a block of the pool, if it fits; what
 * does not, arrays too, comes from the general heap of the pool's manager. Equal: of one pool. */
template <class T> class pool_allocator {
public:
	using value_type = T;
	using propagate_on_container_copy_assignment = std::true_type;
	using propagate_on_container_move_assignment = std::true_type;
	using propagate_on_container_swap = std::true_type;

	pool_allocator(pool &of) noexcept : pool_(&of) {}
	template <class U> pool_allocator(const pool_allocator<U> &other) noexcept
		: pool_(other.pool_) {}

	T *allocate(std::size_t n)
	{
		if (!is_node(n))
			return static_cast<T *>(take(pool_->manager(), bytes_of<T>(n),
						     alignof(T), MM_CATEGORY_CURRENT));
		void *block = pool_->alloc();
		if (!block)
			throw std::bad_alloc();
		return static_cast<T *>(block);
	}
	void deallocate(T *block, std::size_t n) noexcept
	{
		if (is_node(n))
			pool_->free(block);
		else
			mm_free(pool_->manager(), block);
	}

	template <class U> bool operator==(const pool_allocator<U> &other) const noexcept
	{
		return pool_ == other.pool_;
	}
	template <class U> bool operator!=(const pool_allocator<U> &other) const noexcept
	{
		return pool_ != other.pool_;
	}

private:
	template <class U> friend class pool_allocator;
	bool is_node(std::size_t n) const noexcept
	{
		return n == 1 && pool_->serves(sizeof(T), alignof(T));
	}
	pool *pool_;
};

} // namespace mm

#endif
