/* cat_print.c: one event as a line of text or of JSON (cat_print.h). */
#include "cli/cat_print.h"

#include <stdio.h>
#include <string.h>

#include "trace/notice.h"
#include "view/jsonw.h"
#include "base/utf8.h"

void mm_cat_kind(unsigned kind, char ret[MM_CAT_KIND])
{
	const char *known = mm_event_name(kind);

	if (known)
		snprintf(ret, MM_CAT_KIND, "%s", known);
	else
		snprintf(ret, MM_CAT_KIND, "kind-%u", kind);
}

uint32_t mm_cat_site(const struct mm_event *ev)
{
	return mm_event_is_death(ev->kind) ? ev->born_site : ev->site;
}

int mm_cat_has_size(const struct mm_event *ev)
{
	return mm_event_is_birth(ev->kind) || mm_event_is_death(ev->kind) ||
	       ev->kind == MM_EV_FAILED || ev->kind == MM_EV_MAP || ev->kind == MM_EV_UNMAP;
}

/* --- sites ------------------------------------------------------------------------------------ */

/* Innermost frame of a site: its name in the trace, else module+offset. */
static void describe_site(const struct mm_reader *r, uint32_t process, uint32_t site,
			  struct mm_buf *out)
{
	const struct mm_site *s = mm_reader_site(r, process, site);
	const struct mm_frame *frames;
	size_t count = 0;

	mm_buf_clear(out);
	while (s->kind == MM_SITE_CATEGORY && s->parent != site) {
		site = s->parent;
		s = mm_reader_site(r, process, site);
	}
	if (mm_reader_site_lost(r, process, site)) {
		mm_buf_printf(out, "[lost]");
	} else if (s->kind == MM_SITE_CUT) {
		mm_buf_printf(out, "[cut]");
	} else if (s->kind != MM_SITE_FRAME) {
		mm_buf_printf(out, "[root]");
	} else if (!mm_reader_symbol(r, process, s->module, s->value, &frames, &count) && count &&
		   *frames->function) {
		mm_buf_printf(out, "%s", frames->function);
		if (*frames->file)
			mm_buf_printf(out, " (%s:%u)", frames->file, frames->line);
	} else {
		const struct mm_module *m = mm_reader_module(r, process, s->module);
		const char *slash = strrchr(m->path, '/');
		const char *base = slash ? slash + 1 : *m->path ? m->path : "?";
		mm_buf_printf(out, "%s+0x%llx", base, (unsigned long long)(s->value - m->bias));
	}
}

/* --- text ---------------------------------------------------------------------------------------- */

/* One character that is not plain ASCII: its bytes. */
static size_t print_strange(const char *text, size_t len)
{
	char one[8] = "", shown[32];

	memcpy(one, text, len < 4 ? len : 4);
	size_t n = mm_utf8_length(one);
	if (n == 0) {
		printf("\\x%02x", (unsigned char)*text);
		return 1;
	}
	one[n] = '\0';
	fputs(mm_utf8_escape(shown, sizeof shown, one, 0), stdout);
	return n;
}

static size_t plain_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n;
}

/* Control bytes and broken characters of a program's texts never reach the terminal. */
static void print_safe(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = plain_length(text + i, len - i);
		fwrite(text + i, 1, n, stdout);
		i += n;
		if (i < len)
			i += print_strange(text + i, len - i);
	}
}

static void print_quoted(const char *text, size_t len)
{
	putchar('"');
	for (size_t i = 0, n; i < len; i += n) {
		for (n = 0; i + n < len && text[i + n] != '"' && text[i + n] != '\\';)
			n++;
		print_safe(text + i, n);
		if (i + n < len)
			printf("\\%c", text[i + n++]);
	}
	putchar('"');
}

static void text_size(uint64_t size)
{
	if (size == MM_UNKNOWN)
		fputs(" size=?", stdout);
	else
		printf(" size=%llu", (unsigned long long)size);
}

static void text_object(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
			struct mm_buf *scratch)
{
	if (ev->slot != MM_NO_SLOT)
		printf(" slot=%u", ev->slot);
	if (ev->addr)
		printf(" addr=0x%llx", (unsigned long long)ev->addr);
	if (ev->kind == MM_EV_INHERITED)
		return;
	text_size(ev->size);
	if (ev->align_log2)
		printf(" align=%llu", 1ull << (ev->align_log2 & 63));
	if (ev->kind == MM_EV_REALLOC_IN && ev->other != MM_NO_SLOT)
		printf(" of=%u", ev->other);
	if (ev->temporary)
		fputs(" temporary", stdout);
	if (ev->flags & MM_EVF_BORN_UNKNOWN) {
		fputs(" site=?", stdout);
		return;
	}
	describe_site(r, process, mm_cat_site(ev), scratch);
	printf(" site=%u ", mm_cat_site(ev));
	print_safe((const char *)scratch->data, scratch->len);
	if (mm_event_is_death(ev->kind) && ev->site) {
		describe_site(r, process, ev->site, scratch);
		printf(" freed-at=%u ", ev->site);
		print_safe((const char *)scratch->data, scratch->len);
	}
}

static void text_sample(const struct mm_sample *s)
{
	static const char *const names[] = { "rss", "anon", "rss-peak", "available", "limit",
		"cgroup", "psi-some-ppm", "psi-full-ppm" };
	const uint64_t v[] = { s->rss_bytes, s->anon_bytes, s->rss_peak_bytes,
		s->mem_available_bytes, s->limit_bytes, s->cgroup_bytes, s->psi_some_ppm,
		s->psi_full_ppm };

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (v[i] != MM_UNKNOWN)
			printf(" %s=%llu", names[i], (unsigned long long)v[i]);
}

/* What the kinds of pools have, in the order in which it is printed. */
static void text_pool(const struct mm_event *ev)
{
	printf(" pool=%u", ev->pool);
	if (ev->kind >= MM_EV_SLAB && ev->addr)
		printf(" addr=0x%llx", (unsigned long long)ev->addr);
	if (ev->kind == MM_EV_POOL || ev->kind == MM_EV_SLAB || ev->kind == MM_EV_SLAB_END)
		printf(" size=%llu blocks=%llu", (unsigned long long)ev->size,
		       (unsigned long long)ev->blocks);
	if (ev->kind == MM_EV_SLAB_SIZE)
		printf(" size=%llu before=%llu", (unsigned long long)ev->size,
		       (unsigned long long)ev->value);
	if (ev->kind == MM_EV_BLOCK_MOVE)
		printf(" to=0x%llx", (unsigned long long)ev->value);
	if (ev->kind == MM_EV_BLOCK_KEY)
		printf(" key=0x%llx", (unsigned long long)ev->value);
	if (ev->kind == MM_EV_POOL && ev->value & MM_POOLF_AGAIN)
		fputs(" inherited", stdout);
	if (ev->kind == MM_EV_POOL && ev->value & MM_POOLF_MALLOC)
		fputs(" malloc", stdout);
}

/* "capacity_bytes" is shown as "capacity". */
static int label_length(const char *key)
{
	const char *unit = strstr(key, "_bytes");

	unit = unit && !unit[6] ? unit : strstr(key, "_count");
	return (int)(unit && !unit[6] ? (size_t)(unit - key) : strlen(key));
}

static void text_notice(unsigned kind, const struct mm_notice *n)
{
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++) {
		struct mm_span s = { NULL, 0 };
		if (f[i].is_text)
			s = mm_notice_text(n, &f[i]);
		if (f[i].is_text ? !s.len : mm_notice_number(n, &f[i]) == MM_UNKNOWN)
			continue;
		printf(" %.*s=", label_length(f[i].key), f[i].key);
		if (f[i].is_text)
			print_quoted(s.text, s.len);
		else
			printf("%llu", (unsigned long long)mm_notice_number(n, &f[i]));
	}
}

static void text_other(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
		       struct mm_buf *scratch)
{
	switch (ev->kind) {
	case MM_EV_MAP:
	case MM_EV_UNMAP:
		printf(" addr=0x%llx", (unsigned long long)ev->addr);
		/* fall through */
	case MM_EV_FAILED:
		text_size(ev->size);
		describe_site(r, process, ev->site, scratch);
		printf(" site=%u ", ev->site);
		print_safe((const char *)scratch->data, scratch->len);
		break;
	case MM_EV_SAMPLE:
		if (ev->sample)
			text_sample(ev->sample);
		break;
	case MM_EV_POOL: case MM_EV_POOL_END: case MM_EV_SLAB: case MM_EV_SLAB_END:
	case MM_EV_BLOCK_MOVE: case MM_EV_BLOCK_KEY: case MM_EV_SLAB_SIZE:
		text_pool(ev);
		break;
	case MM_EV_TIER: case MM_EV_TIER_USE: case MM_EV_TIER_MOVE: case MM_EV_EVICT:
	case MM_EV_DENY: case MM_EV_PRESSURE: case MM_EV_GPU_DEVICE: case MM_EV_GPU_HEAP:
	case MM_EV_GPU_KIND: case MM_EV_GPU_BLOCK:
		text_notice(ev->kind, ev->notice);
		break;
	case MM_EV_METRIC:
	case MM_EV_BUDGET:
	case MM_EV_FORK:
	case MM_EV_LOST:
		printf(" value=%lld", (long long)ev->value);
	}
	if (ev->text_len) {
		putchar(' ');
		print_quoted(ev->text, ev->text_len);
	}
}

void mm_cat_text(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
		       struct mm_buf *scratch)
{
	char name[MM_CAT_KIND];

	mm_cat_kind(ev->kind, name);
	printf("%llu.%09llu %u", (unsigned long long)(ev->time / 1000000000),
	       (unsigned long long)(ev->time % 1000000000), mm_reader_process(r, process)->pid);
	if (ev->thread == MM_NO_THREAD)
		fputs(" -", stdout);
	else
		printf(" %u", mm_reader_thread(r, process, ev->thread)->tid);
	printf(" %s", name);
	if (mm_event_is_birth(ev->kind) || mm_event_is_death(ev->kind))
		text_object(r, process, ev, scratch);
	else
		text_other(r, process, ev, scratch);
	putchar('\n');
}

/* --- JSON ----------------------------------------------------------------------------------------- */

static void json_site(struct mm_jsonw *w, const struct mm_reader *r, uint32_t process,
		      uint32_t site, const char *key, const char *name_key,
		      struct mm_buf *scratch)
{
	mm_jsonw_u64(w, key, site);
	describe_site(r, process, site, scratch);
	if (!mm_buf_u8(scratch, 0))
		mm_jsonw_text(w, name_key, (const char *)scratch->data);
}

static void json_address(struct mm_jsonw *w, uint64_t addr)
{
	char text[24];

	snprintf(text, sizeof text, "0x%llx", (unsigned long long)addr);
	mm_jsonw_text(w, "address", addr ? text : NULL);
}

static void json_object(struct mm_jsonw *w, const struct mm_reader *r, uint32_t process,
			const struct mm_event *ev, struct mm_buf *scratch)
{
	if (ev->slot != MM_NO_SLOT)
		mm_jsonw_u64(w, "slot", ev->slot);
	json_address(w, ev->addr);
	if (ev->kind == MM_EV_INHERITED)
		return;
	mm_jsonw_u64(w, "size_bytes", ev->size);
	if (ev->align_log2)
		mm_jsonw_u64(w, "align_bytes", UINT64_C(1) << (ev->align_log2 & 63));
	if (ev->kind == MM_EV_REALLOC_IN && ev->other != MM_NO_SLOT)
		mm_jsonw_u64(w, "realloc_of", ev->other);
	if (mm_event_is_death(ev->kind)) {
		mm_jsonw_bool(w, "temporary", ev->temporary);
		mm_jsonw_u64(w, "born_ns", ev->born_time);
	}
	if (ev->flags & MM_EVF_BORN_UNKNOWN)
		mm_jsonw_null(w, "site");
	else
		json_site(w, r, process, mm_cat_site(ev), "site", "where", scratch);
	if (mm_event_is_death(ev->kind) && ev->site)
		json_site(w, r, process, ev->site, "freed_site", "freed_where", scratch);
}

static void json_sample(struct mm_jsonw *w, const struct mm_sample *s)
{
	mm_jsonw_u64(w, "rss_bytes", s->rss_bytes);
	mm_jsonw_u64(w, "anon_bytes", s->anon_bytes);
	mm_jsonw_u64(w, "rss_peak_bytes", s->rss_peak_bytes);
	mm_jsonw_u64(w, "mem_available_bytes", s->mem_available_bytes);
	mm_jsonw_u64(w, "limit_bytes", s->limit_bytes);
	mm_jsonw_u64(w, "cgroup_bytes", s->cgroup_bytes);
	mm_jsonw_u64(w, "psi_some_ppm", s->psi_some_ppm);
	mm_jsonw_u64(w, "psi_full_ppm", s->psi_full_ppm);
}

static int is_of_pools(const struct mm_event *ev)
{
	return ev->kind >= MM_EV_POOL && ev->kind <= MM_EV_SLAB_SIZE;
}

static void json_pool(struct mm_jsonw *w, const struct mm_event *ev)
{
	mm_jsonw_u64(w, "pool", ev->pool);
	if (ev->kind >= MM_EV_SLAB)
		json_address(w, ev->addr);
	if (ev->kind == MM_EV_POOL || ev->kind == MM_EV_SLAB || ev->kind == MM_EV_SLAB_END) {
		mm_jsonw_u64(w, ev->kind == MM_EV_POOL ? "block_bytes" : "size_bytes", ev->size);
		mm_jsonw_u64(w, "block_count", ev->blocks);
	}
	if (ev->kind == MM_EV_POOL)
		mm_jsonw_i64(w, "flags", ev->value);
	if (ev->kind == MM_EV_SLAB_SIZE) {
		mm_jsonw_u64(w, "size_bytes", ev->size);
		mm_jsonw_i64(w, "before_bytes", ev->value);
	} else if (ev->kind >= MM_EV_BLOCK_MOVE) {
		char text[24];
		snprintf(text, sizeof text, "0x%llx", (unsigned long long)ev->value);
		mm_jsonw_text(w, ev->kind == MM_EV_BLOCK_KEY ? "key" : "to", text);
	}
}

static void json_span(struct mm_jsonw *w, const char *key, struct mm_span s,
		      struct mm_buf *scratch)
{
	mm_buf_clear(scratch);
	mm_buf_put(scratch, s.text, s.len);
	if (!mm_buf_u8(scratch, 0))
		mm_jsonw_text(w, key, s.len ? (const char *)scratch->data : NULL);
}

static void json_notice(struct mm_jsonw *w, unsigned kind, const struct mm_notice *n,
			struct mm_buf *scratch)
{
	size_t count = 0;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++)
		if (f[i].is_text)
			json_span(w, f[i].key, mm_notice_text(n, &f[i]), scratch);
		else
			mm_jsonw_u64(w, f[i].key, mm_notice_number(n, &f[i]));
}

static void json_other(struct mm_jsonw *w, const struct mm_reader *r, uint32_t process,
		       const struct mm_event *ev, struct mm_buf *scratch)
{
	if (ev->kind == MM_EV_MAP || ev->kind == MM_EV_UNMAP)
		json_address(w, ev->addr);
	if (mm_cat_has_size(ev)) {
		mm_jsonw_u64(w, "size_bytes", ev->size);
		json_site(w, r, process, ev->site, "site", "where", scratch);
	}
	if (is_of_pools(ev))
		json_pool(w, ev);
	if (ev->kind == MM_EV_SAMPLE && ev->sample)
		json_sample(w, ev->sample);
	if (ev->kind == MM_EV_METRIC || ev->kind == MM_EV_BUDGET || ev->kind == MM_EV_FORK ||
	    ev->kind == MM_EV_LOST)
		mm_jsonw_i64(w, "value", ev->value);
	json_notice(w, ev->kind, ev->notice, scratch);
	if (ev->text_len)
		json_span(w, "text", (struct mm_span){ ev->text, ev->text_len }, scratch);
}

void mm_cat_json(const struct mm_reader *r, uint32_t process, const struct mm_event *ev,
		       struct mm_buf *scratch)
{
	struct mm_jsonw w;
	char name[MM_CAT_KIND];

	mm_cat_kind(ev->kind, name);
	mm_jsonw_begin(&w, stdout, 0);
	mm_jsonw_object(&w, NULL);
	mm_jsonw_u64(&w, "time_ns", ev->time);
	mm_jsonw_u64(&w, "pid", mm_reader_process(r, process)->pid);
	mm_jsonw_u64(&w, "process", process);
	if (ev->thread == MM_NO_THREAD)
		mm_jsonw_null(&w, "tid");
	else
		mm_jsonw_u64(&w, "tid", mm_reader_thread(r, process, ev->thread)->tid);
	mm_jsonw_text(&w, "kind", name);
	if (mm_event_is_birth(ev->kind) || mm_event_is_death(ev->kind))
		json_object(&w, r, process, ev, scratch);
	else
		json_other(&w, r, process, ev, scratch);
	mm_jsonw_object_end(&w);
	putchar('\n'); /* mm_jsonw_end would flush every line */
}
