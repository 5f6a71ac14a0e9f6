/* cli.c: messages and option tables (cli.h). */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/utf8.h"
#include "config.h"

enum { OPTIONS_MAX = 48, KEY_FIRST = 256, HELP_COLUMN = 28, MESSAGE_MOST = 8192 };
enum { KEY_HELP = KEY_FIRST + OPTIONS_MAX, KEY_VERSION };

static const char *current_verb;

void mm_cli_set_verb(const char *verb)
{
	current_verb = verb;
}

/* One line, whatever it names: names of files and what was typed may hold anything. */
static void say(const char *kind, const char *format, va_list ap)
{
	char text[MESSAGE_MOST], safe[MESSAGE_MOST];

	vsnprintf(text, sizeof text, format, ap);
	fflush(stdout);
	fprintf(stderr, "mmprof%s%s: %s%s\n", current_verb ? " " : "",
		current_verb ? current_verb : "", kind,
		mm_utf8_escape(safe, sizeof safe, text, 0));
}

void mm_cli_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap);
	va_end(ap);
}

void mm_cli_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("warning: ", format, ap);
	va_end(ap);
}

void mm_cli_fail(const struct mm_diag *diag, int err)
{
	mm_cli_error("%s", mm_diag_text(diag, err));
}

void mm_cli_hint(void)
{
	fprintf(stderr, "Try 'mmprof%s%s --help' for more information.\n",
		current_verb ? " " : "", current_verb ? current_verb : "");
}

int mm_cli_usage(const struct mm_cli_parse *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap);
	va_end(ap);
	mm_cli_hint();
	return p->command->trouble;
}

int mm_cli_flush(int status, int trouble)
{
	errno = 0;
	int bad = fflush(stdout) != 0;
	if (!bad && !ferror(stdout))
		return status;
	if (errno == EPIPE) /* the reader has seen enough: not our failure to tell */
		return trouble;
	mm_cli_error("standard output: %s", errno ? strerror(errno) : "write error");
	return trouble;
}

void mm_cli_version(void)
{
	puts("mmprof (mmprof) " PACKAGE_VERSION "\n"
	     "Copyright (C) 2026 The mmprof authors\n"
	     "License MIT: <https://opensource.org/license/mit>\n"
	     "This is free software: you may change and redistribute it.\n"
	     "There is NO WARRANTY, to the extent permitted by law.");
}

/* --- --help --------------------------------------------------------------------- */

static int argument_kind(const struct mm_cli_option *o)
{
	if (!o->arg)
		return no_argument;
	return o->arg[0] == '[' ? optional_argument : required_argument;
}

static void print_option(const struct mm_cli_option *o)
{
	char left[80];
	int n = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 argument_kind(o) == required_argument ? "=" : "",
			 o->arg ? o->arg : "");

	fputs(left, stdout);
	if (n > HELP_COLUMN - 2) {
		putchar('\n');
		n = 0;
	}
	printf("%*s", HELP_COLUMN - n, "");
	for (const char *h = o->help; *h; h++) {
		putchar(*h);
		if (*h == '\n')
			printf("%*s", HELP_COLUMN, "");
	}
	putchar('\n');
}

/* Length without newlines at the end. */
static size_t length_of_text(const char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	return n;
}

static void print_help(const struct mm_cli_command *c)
{
	static const struct mm_cli_option always[] = {
		{ "help", 0, NULL, "show this help and exit" },
		{ "version", 0, NULL, "show the version and exit" },
	};

	printf("Usage: mmprof %s %s\n%s\n\n", c->verb, c->usage, c->about);
	for (size_t i = 0; i < c->option_count; i++)
		print_option(&c->options[i]);
	for (size_t i = 0; i < 2; i++)
		print_option(&always[i]);
	if (c->more)
		printf("\n%.*s\n", (int)length_of_text(c->more), c->more);
	printf("\nManual: man mmprof-%s, man mmprof\n", c->verb);
}

/* --- parsing -------------------------------------------------------------------- */

void mm_cli_begin(struct mm_cli_parse *p, const struct mm_cli_command *command, int argc,
		  char **argv)
{
	memset(p, 0, sizeof *p);
	p->command = command;
	p->argc = argc;
	p->argv = argv;
	p->status = MM_CLI_OK;
	optind = 0; /* GNU: start afresh */
	opterr = 0;
}

static void make_tables(const struct mm_cli_command *c, struct option *longs, char *letters)
{
	size_t n = 0;

	if (c->stop_at_operand)
		*letters++ = '+';
	*letters++ = ':';
	for (; n < c->option_count; n++) {
		const struct mm_cli_option *o = &c->options[n];
		int kind = argument_kind(o);
		longs[n] = (struct option){ o->name, kind, NULL, KEY_FIRST + (int)n };
		if (!o->letter)
			continue;
		*letters++ = o->letter;
		for (int colons = kind; colons > 0; colons--) /* 1 = required, 2 = optional */
			*letters++ = ':';
	}
	*letters = 0;
	longs[n++] = (struct option){ "help", no_argument, NULL, KEY_HELP };
	longs[n++] = (struct option){ "version", no_argument, NULL, KEY_VERSION };
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* The option as typed, for a message: "-x" or "--long". */
static void name_bad_option(const struct mm_cli_parse *p, char *ret, size_t size)
{
	const char *typed = p->argv[optind > 0 ? optind - 1 : 0];

	if (strncmp(typed, "--", 2) == 0)
		snprintf(ret, size, "%.*s", (int)strcspn(typed, "="), typed);
	else if (optopt > 0 && optopt < KEY_FIRST)
		snprintf(ret, size, "-%c", optopt);
	else
		snprintf(ret, size, "%s", typed);
}

static int bad_option(struct mm_cli_parse *p, int missing)
{
	char name[128];
	const char *names[OPTIONS_MAX + 1];
	const struct mm_cli_command *c = p->command;

	name_bad_option(p, name, sizeof name);
	for (size_t i = 0; i < c->option_count; i++)
		names[i] = c->options[i].name;
	names[c->option_count] = NULL;
	const char *near = name[1] == '-' ? mm_cli_suggest(name + 2, names) : NULL;
	if (missing)
		mm_cli_error("option '%s' needs an argument", name);
	else if (optopt >= KEY_FIRST) /* which it is, and --help, if it is known */
		mm_cli_error("option '%s' takes no argument", name);
	else if (near)
		mm_cli_error("unknown option '%s'; did you mean '--%s'?", name, near);
	else
		mm_cli_error("unknown option '%s'", name);
	mm_cli_hint();
	p->status = c->trouble;
	return MM_CLI_STOP;
}

static int answer(struct mm_cli_parse *p, int key)
{
	if (key == KEY_HELP)
		print_help(p->command);
	else
		mm_cli_version();
	p->status = mm_cli_flush(MM_CLI_OK, p->command->trouble);
	return MM_CLI_STOP;
}

int mm_cli_next(struct mm_cli_parse *p)
{
	const struct mm_cli_command *c = p->command;
	struct option longs[OPTIONS_MAX + 3];
	char letters[3 * OPTIONS_MAX + 3];

	if (c->option_count > OPTIONS_MAX)
		abort();
	make_tables(c, longs, letters);
	int key = getopt_long(p->argc, p->argv, letters, longs, NULL);
	p->value = optarg;
	if (key == -1) {
		p->operand = optind;
		return MM_CLI_END;
	}
	if (key == '?' || key == ':')
		return bad_option(p, key == ':');
	if (key >= KEY_HELP)
		return answer(p, key);
	if (key >= KEY_FIRST)
		return key - KEY_FIRST;
	for (size_t i = 0; i < c->option_count; i++)
		if (c->options[i].letter == key)
			return (int)i;
	return bad_option(p, 0);
}

const char *mm_cli_suggest(const char *text, const char *const *names)
{
	return mm_suggest(text, names);
}
