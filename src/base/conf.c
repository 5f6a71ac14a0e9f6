/* conf.c: the parser of configuration files (conf.h). */
#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define CONF_NO_VALUE "'=' or '{' must follow a key; write [ a, b ] for several values"

enum { CONF_BYTES_MAX = 4 << 20, CONF_DEPTH_MAX = 16 };

struct mm_conf { struct mm_conf_item root; };

struct conf_parse {
	const char *name, *at, *end;
	uint32_t line;
	struct mm_diag *diag;
};

static void item_deinit(struct mm_conf_item *item)
{
	for (size_t i = 0; i < item->value_count; i++)
		free((char *)item->values[i].text);
	for (size_t i = 0; i < item->item_count; i++)
		item_deinit(&item->items[i]);
	free(item->values);
	free(item->items);
	free((char *)item->key);
	free((char *)item->label);
}

void mm_conf_free(struct mm_conf *c)
{
	if (c) {
		item_deinit(&c->root);
		free(c);
	}
}

const struct mm_conf_item *mm_conf_root(const struct mm_conf *c)
{
	return &c->root;
}

static int conf_fail_at(const struct conf_parse *p, uint32_t line, const char *reason)
{
	return mm_fail(p->diag, MM_ESYNTAX, "%s:%u: %s", p->name, (unsigned)line, reason);
}

static int no_memory(const struct conf_parse *p)
{
	return mm_fail(p->diag, MM_ENOMEM, "%s: out of memory", p->name);
}

static int peek(const struct conf_parse *p)
{
	return p->at < p->end ? (unsigned char)*p->at : -1;
}

static int is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void comment_skip(struct conf_parse *p)
{
	if (*p->at == '#') {
		while (p->at < p->end && *p->at != '\n')
			p->at++;
		return;
	}
	for (p->at += 2; p->at < p->end; p->at++) {
		p->line += *p->at == '\n';
		if (p->end - p->at >= 2 && p->at[0] == '*' && p->at[1] == '/') {
			p->at += 2;
			return;
		}
	}
}

/* Blanks and comments; and separators, where `also` names them. */
static void space_skip(struct conf_parse *p, const char *also)
{
	while (p->at < p->end) {
		if (is_blank(*p->at) || (*p->at && strchr(also, *p->at))) {
			p->line += *p->at == '\n';
			p->at++;
		} else if (*p->at == '#' ||
			   (*p->at == '/' && p->end - p->at >= 2 && p->at[1] == '*')) {
			comment_skip(p);
		} else {
			return;
		}
	}
}

static int string_char(struct conf_parse *p, char quote, struct mm_buf *b)
{
	static const char from[] = "nt\"\\'/", to[] = "\n\t\"\\'/";
	char c = *p->at++;

	if (!c)
		return conf_fail_at(p, p->line, "a zero byte in a string");
	if (c == '\n')
		return conf_fail_at(p, p->line, "a string does not end on its line");
	if (c == '\\' && quote == '"') {
		const char *known = p->at < p->end && *p->at ? strchr(from, *p->at) : NULL;
		if (!known)
			return conf_fail_at(p, p->line, "unknown escape in a string "
					    "(\\n \\t \\\" \\\\; write \\\\ for a backslash)");
		c = to[known - from];
		p->at++;
	}
	return mm_buf_u8(b, (uint8_t)c);
}

static int string_read(struct conf_parse *p, char **ret)
{
	struct mm_buf b = { 0 };
	char quote = *p->at++;
	int err = MM_OK;

	while (!err && p->at < p->end && *p->at != quote)
		err = string_char(p, quote, &b);
	if (!err && p->at == p->end)
		err = conf_fail_at(p, p->line, "a string does not end");
	p->at += p->at < p->end;
	if (!err)
		err = mm_buf_u8(&b, 0);
	if (err) {
		mm_buf_deinit(&b);
		return err;
	}
	*ret = (char *)b.data;
	return MM_OK;
}

static int is_word_char(int c)
{
	return c > ' ' && c != 127 && !strchr("{}[]=:;,#\"'", c);
}

static int word_read(struct conf_parse *p, const char *wanted, char **ret)
{
	const char *from = p->at;

	if (peek(p) == '"' || peek(p) == '\'')
		return string_read(p, ret);
	while (is_word_char(peek(p)))
		p->at++;
	if (p->at == from)
		return p->at == p->end
		     ? conf_fail_at(p, p->line, "the file ends too early")
		     : conf_fail_at(p, p->line, wanted);
	*ret = strndup(from, (size_t)(p->at - from));
	return *ret ? MM_OK : no_memory(p);
}

/* A bare value: to the end of the line or to what ends an item. */
static int bare_read(struct conf_parse *p, const char *enders, char **ret)
{
	const char *from = p->at, *to;

	while (p->at < p->end && *p->at && *p->at != '\n' && !strchr(enders, *p->at))
		p->at++;
	for (to = p->at; to > from && is_blank(to[-1]); to--)
		;
	if (to == from)
		return conf_fail_at(p, p->line, "a value is missing");
	*ret = strndup(from, (size_t)(to - from));
	return *ret ? MM_OK : no_memory(p);
}

static int value_add(struct conf_parse *p, struct mm_conf_item *item, size_t *cap,
		     const char *enders)
{
	uint32_t line = p->line;
	char *text;
	int err = peek(p) == '"' || peek(p) == '\'' ? string_read(p, &text)
						    : bare_read(p, enders, &text);

	if (err)
		return err;
	if (MM_GROW(item->values, *cap, item->value_count + 1)) {
		free(text);
		return no_memory(p);
	}
	item->values[item->value_count++] = (struct mm_conf_value){ text, line };
	return MM_OK;
}

static int list_read(struct conf_parse *p, struct mm_conf_item *item)
{
	size_t cap = 0;
	uint32_t line = p->line;

	item->is_list = 1;
	for (p->at++;;) {
		space_skip(p, ",");
		if (peek(p) == ']') {
			p->at++;
			return MM_OK;
		}
		if (peek(p) < 0)
			return conf_fail_at(p, line, "a list does not end: ']' is missing");
		int err = value_add(p, item, &cap, ",];{}#");
		if (err)
			return err;
		space_skip(p, "");
		if (peek(p) != ',' && peek(p) != ']' && peek(p) >= 0)
			return conf_fail_at(p, p->line, "in a list, ',' or ']' must follow a value");
	}
}

static int section_read(struct conf_parse *p, struct mm_conf_item *section, int depth);

static int item_body(struct conf_parse *p, struct mm_conf_item *item, int depth)
{
	size_t cap = 0;

	if (peek(p) == '{') {
		p->at++;
		item->is_section = 1;
		return section_read(p, item, depth + 1);
	}
	if (peek(p) != '=' && peek(p) != ':')
		return conf_fail_at(p, p->line, CONF_NO_VALUE);
	p->at++;
	while (peek(p) == ' ' || peek(p) == '\t')
		p->at++;
	if (peek(p) == '[')
		return list_read(p, item);
	return value_add(p, item, &cap, ";,}{#");
}

static int item_read(struct conf_parse *p, struct mm_conf_item *item, int depth)
{
	char *text;
	int err;

	item->line = p->line;
	if ((err = word_read(p, "a key is expected here", &text)))
		return err;
	item->key = text;
	space_skip(p, "");
	if (peek(p) != '=' && peek(p) != ':' && peek(p) != '{') {
		if ((err = word_read(p, CONF_NO_VALUE, &text)))
			return err;
		item->label = text;
		space_skip(p, "");
		if (peek(p) != '{')
			return conf_fail_at(p, item->line, "write KEY = VALUE, or KEY NAME { ... }");
	} else if (!(item->label = strdup(""))) {
		return no_memory(p);
	}
	return item_body(p, item, depth);
}

static int section_read(struct conf_parse *p, struct mm_conf_item *section, int depth)
{
	size_t cap = 0;
	uint32_t line = p->line;

	if (depth > CONF_DEPTH_MAX)
		return conf_fail_at(p, p->line, "sections are nested too deep");
	for (;;) {
		space_skip(p, ";,");
		if (peek(p) < 0)
			return depth ? conf_fail_at(p, line, "a section does not end: "
						    "'}' is missing") : MM_OK;
		if (peek(p) == '}' && depth) {
			p->at++;
			return MM_OK;
		}
		if (MM_GROW(section->items, cap, section->item_count + 1))
			return no_memory(p);
		int err = item_read(p, &section->items[section->item_count++], depth);
		if (err)
			return err;
	}
}

int mm_conf_parse(struct mm_conf **ret, const char *name, const char *text, size_t len,
		  struct mm_diag *diag)
{
	struct conf_parse p = { name, text, text + len, 1, diag };
	struct mm_conf *c = calloc(1, sizeof *c);

	if (!c)
		return no_memory(&p);
	c->root.is_section = 1;
	int err = section_read(&p, &c->root, 0);
	if (err)
		mm_conf_free(c);
	else
		*ret = c;
	return err;
}

static int file_take(int fd, const char *path, struct mm_buf *b, struct mm_diag *diag)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return mm_fail(diag, MM_EIO, "%s: is a directory, not a file", path);
	do {
		if (mm_buf_reserve(b, 64 * 1024))
			return mm_fail(diag, MM_ENOMEM, "%s: out of memory", path);
		n = read(fd, b->data + b->len, 64 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mm_fail_errno(diag, "%s", path);
		b->len += (size_t)n;
		if (b->len > CONF_BYTES_MAX)
			return mm_fail(diag, MM_ELIMIT, "%s: too large for a configuration file",
				       path);
	} while (n);
	return MM_OK;
}

int mm_conf_load(struct mm_conf **ret, const char *path, struct mm_diag *diag)
{
	struct mm_buf b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return mm_fail_errno(diag, "%s", path);
	int err = file_take(fd, path, &b, diag);
	close(fd);
	if (!err)
		err = mm_conf_parse(ret, path, (const char *)b.data, b.len, diag);
	mm_buf_deinit(&b);
	return err;
}
