/* symcache_write.c: writes cache files and bounds their folder (symcache.h). */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "symbol/symcache_file.h"
#include "symbol/symstrings.h"

enum { LOCK_TRIES = 1000, LOCK_REST_NS = 1000000 };

int mm_symcache_folder(char *buf, size_t size)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && xdg[0] == '/')
		n = snprintf(buf, size, "%s/mmprof/symbols", xdg);
	else if (home && home[0] == '/')
		n = snprintf(buf, size, "%s/.cache/mmprof/symbols", home);
	else
		return MM_ENOENT;
	return n > 0 && (size_t)n < size ? MM_OK : MM_ENOENT;
}

int mm_symcache_path(char *buf, size_t size, const struct mm_symcache_key *key)
{
	int err = mm_symcache_folder(buf, size);
	size_t len = err ? 0 : strlen(buf);

	if (err || !key->build_id_len || key->build_id_len > MM_SYMCACHE_ID_MAX ||
	    len + 2 * key->build_id_len + 16 > size)
		return MM_ENOENT;
	buf[len++] = '/';
	for (size_t i = 0; i < key->build_id_len; i++)
		len += (size_t)sprintf(buf + len, "%02x", key->build_id[i]);
	strcpy(buf + len, key->names_only ? ".names" : ".full");
	return MM_OK;
}

/* mkdir -p, private to the user. */
static int folder_make(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		int failed = mkdir(path, 0700) && errno != EEXIST;
		*p = '/';
		if (failed)
			return MM_EIO;
	}
	return mkdir(path, 0700) && errno != EEXIST ? MM_EIO : MM_OK;
}

/* --- contents --------------------------------------------------------------- */

struct image {
	struct mm_buf entries, frames, texts;
	struct mm_map known; /* hash of a text -> its offset; equal hashes are told apart */
	uint32_t entry_count;
};

static void image_deinit(struct image *m)
{
	mm_buf_deinit(&m->entries);
	mm_buf_deinit(&m->frames);
	mm_buf_deinit(&m->texts);
	mm_map_deinit(&m->known);
}

/* Offset of text, added when new; failures are seen in texts.failed. */
static uint32_t text_add(struct image *m, const char *text)
{
	uint64_t hash = mm_symstrings_hash(text) | 1;

	if (!*text && m->texts.len)
		return 0;
	for (struct mm_map_place *p; (p = mm_map_find(&m->known, hash)); hash += 2)
		if (strcmp((char *)m->texts.data + p->value, text) == 0)
			return p->value;
	uint32_t at = (uint32_t)m->texts.len;
	mm_buf_put(&m->texts, text, strlen(text) + 1);
	if (mm_map_set(&m->known, hash, at))
		m->texts.failed = 1;
	return at;
}

static void entry_add(struct image *m, const struct mm_symcache_entry *e)
{
	mm_buf_u64(&m->entries, e->address);
	mm_buf_u32(&m->entries, (uint32_t)(m->frames.len / 16));
	mm_buf_u32(&m->entries, (uint32_t)e->count);
	for (size_t i = 0; i < e->count; i++) {
		mm_buf_u32(&m->frames, text_add(m, e->frames[i].function));
		mm_buf_u32(&m->frames, text_add(m, e->frames[i].file));
		mm_buf_u32(&m->frames, e->frames[i].line);
		mm_buf_u32(&m->frames, e->frames[i].inlined);
	}
	m->entry_count++;
}

static int entry_order(const void *a, const void *b)
{
	const struct mm_symcache_entry *const *x = a, *const *y = b;

	return (*x)->address < (*y)->address ? -1 : (*x)->address > (*y)->address;
}

static void old_add(struct image *m, const struct mm_symcache *old, size_t i)
{
	struct mm_symcache_entry e;

	mm_symcache_get(old, i, NULL, &e);
	struct mm_frame *room = calloc(e.count, sizeof *room);
	if (room) {
		mm_symcache_get(old, i, room, &e);
		entry_add(m, &e);
	} else {
		m->entries.failed = 1;
	}
	free(room);
}

static uint64_t old_address(const struct mm_symcache *old, size_t i)
{
	struct mm_symcache_entry e;

	mm_symcache_get(old, i, NULL, &e);
	return e.address;
}

/* The entries of both in order; where both have an address, the new one. */
static int merge(struct image *m, const struct mm_symcache_entry *entries, size_t count,
		 const struct mm_symcache *old)
{
	size_t i = 0, k = 0, old_count = old ? mm_symcache_count(old) : 0;
	const struct mm_symcache_entry **sorted = malloc((count + 1) * sizeof *sorted);

	if (!sorted)
		return MM_ENOMEM;
	for (size_t n = 0; n < count; n++)
		sorted[n] = &entries[n];
	qsort(sorted, count, sizeof *sorted, entry_order);
	while (i < count || k < old_count) {
		uint64_t ours = i < count ? sorted[i]->address : UINT64_MAX;
		uint64_t theirs = k < old_count ? old_address(old, k) : UINT64_MAX;
		if (i < count && ours <= theirs) {
			entry_add(m, sorted[i++]);
			k += k < old_count && ours == theirs;
		} else {
			old_add(m, old, k++);
		}
	}
	free(sorted);
	return m->entries.failed || m->frames.failed || m->texts.failed ? MM_ENOMEM : MM_OK;
}

static int header_put(struct mm_buf *b, const struct image *m, const struct mm_symcache_key *key,
		      const struct mm_symcache_facts *facts, uint32_t debuglink)
{
	static const uint8_t zeros[MM_SYMCACHE_HEADER];
	uint8_t flags = (uint8_t)((facts->had_dwarf ? 1 : 0) | (facts->asked_server ? 2 : 0));

	mm_buf_put(b, MM_SYMCACHE_MAGIC, 8);
	mm_buf_u32(b, MM_SYMCACHE_VERSION);
	mm_buf_u32(b, 0); /* the checksum */
	mm_buf_u32(b, m->entry_count);
	mm_buf_u32(b, (uint32_t)(m->frames.len / 16));
	mm_buf_u32(b, (uint32_t)m->texts.len);
	mm_buf_u8(b, flags);
	mm_buf_u8(b, (uint8_t)key->build_id_len);
	mm_buf_put(b, zeros, 2);
	mm_buf_u32(b, debuglink);
	mm_buf_put(b, key->build_id, key->build_id_len);
	return mm_buf_put(b, zeros, MM_SYMCACHE_HEADER - 36 - key->build_id_len);
}

static int image_make(struct mm_buf *b, const struct mm_symcache_key *key,
		      const struct mm_symcache_facts *facts,
		      const struct mm_symcache_entry *entries, size_t count,
		      const struct mm_symcache *old)
{
	struct image m = { 0 };
	uint32_t link;

	text_add(&m, "");
	link = text_add(&m, facts->debuglink ? facts->debuglink : "");
	int err = merge(&m, entries, count, old);
	if (!err && (uint64_t)m.entries.len + m.frames.len + m.texts.len >
	    MM_SYMCACHE_FILE_MAX - MM_SYMCACHE_HEADER)
		err = MM_ELIMIT;
	if (!err) {
		header_put(b, &m, key, facts, link);
		mm_buf_put(b, m.entries.data, m.entries.len);
		mm_buf_put(b, m.frames.data, m.frames.len);
		mm_buf_put(b, m.texts.data, m.texts.len);
		err = b->failed ? MM_ENOMEM : MM_OK;
	}
	image_deinit(&m);
	if (!err) {
		uint32_t crc = htole32(mm_crc32c(0, b->data + 16, b->len - 16));
		memcpy(b->data + 12, &crc, sizeof crc);
	}
	return err;
}

/* --- files -------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t n = write(fd, data + at, bytes - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return MM_EIO;
		at += (size_t)n;
	}
	return MM_OK;
}

/* A new file under a name of its own, then renamed: readers see the old or the new. */
static int file_replace(const char *path, const struct mm_buf *b)
{
	char temporary[PATH_MAX + 32];

	snprintf(temporary, sizeof temporary, "%s.%ld.XXXXXX", path, (long)getpid());
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return MM_EIO;
	int err = write_all(fd, b->data, b->len);
	if (close(fd) && !err)
		err = MM_EIO;
	if (!err && rename(temporary, path))
		err = MM_EIO;
	if (err)
		unlink(temporary);
	return err;
}

/* The folder, locked against others who add to a file of it: a descriptor, or -1 when one of
 * them does not come to an end. Where there are no locks it goes without. */
static int folder_lock(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		if (i == LOCK_TRIES) {
			close(fd);
			return -1;
		}
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_REST_NS }, NULL);
	}
	return fd;
}

static int file_add(const char *path, const struct mm_symcache_key *key,
		    const struct mm_symcache_facts *facts,
		    const struct mm_symcache_entry *entries, size_t count)
{
	struct mm_symcache_facts before;
	struct mm_symcache *old = NULL;
	struct mm_buf b = { 0 };

	if (mm_symcache_load(&old, key) == MM_OK) {
		mm_symcache_get_facts(old, &before);
		if (before.had_dwarf && !facts->had_dwarf) { /* ours are poorer */
			mm_symcache_free(old);
			return MM_OK;
		}
		if (before.had_dwarf != facts->had_dwarf) {
			mm_symcache_free(old);
			old = NULL;
		}
	}
	int err = image_make(&b, key, facts, entries, count, old);
	if (err == MM_ELIMIT) { /* start again with what is used now */
		mm_buf_clear(&b);
		err = image_make(&b, key, facts, entries, count, NULL);
	}
	if (!err)
		err = file_replace(path, &b);
	mm_symcache_free(old);
	mm_buf_deinit(&b);
	return err;
}

int mm_symcache_save(const struct mm_symcache_key *key, const struct mm_symcache_facts *facts,
		     const struct mm_symcache_entry *entries, size_t count)
{
	char path[PATH_MAX], folder[PATH_MAX];

	if (mm_symcache_path(path, sizeof path, key) ||
	    mm_symcache_folder(folder, sizeof folder))
		return MM_ENOENT;
	if (folder_make(folder))
		return MM_EIO;
	int lock = folder_lock(folder);
	if (lock < 0)
		return MM_EAGAIN;
	int err = file_add(path, key, facts, entries, count);
	close(lock);
	return err;
}

struct kept { char name[256]; struct timespec used; uint64_t bytes; };

static int kept_order(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	if (x->used.tv_nsec != y->used.tv_nsec)
		return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

static size_t folder_list(DIR *dir, struct kept **ret, uint64_t *ret_bytes)
{
	struct kept *list = NULL;
	size_t count = 0, cap = 0;
	struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode) || MM_GROW(list, cap, count + 1))
			continue;
		snprintf(list[count].name, sizeof list[count].name, "%s", entry->d_name);
		list[count].used = st.st_mtim;
		list[count].bytes = (uint64_t)st.st_size;
		*ret_bytes += (uint64_t)st.st_size;
		count++;
	}
	*ret = list;
	return count;
}

void mm_symcache_trim(uint64_t bytes)
{
	char folder[PATH_MAX];
	struct kept *list;
	uint64_t sum = 0;
	DIR *dir = mm_symcache_folder(folder, sizeof folder) ? NULL : opendir(folder);

	if (!dir)
		return;
	size_t count = folder_list(dir, &list, &sum);
	if (count)
		qsort(list, count, sizeof *list, kept_order);
	for (size_t i = 0; i < count && sum > bytes; i++)
		if (unlinkat(dirfd(dir), list[i].name, 0) == 0)
			sum -= list[i].bytes;
	free(list);
	closedir(dir);
}
