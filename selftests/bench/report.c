// SPDX-License-Identifier: GPL-2.0
/* What was measured: text for people, a line of JSON for scripts/bench. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("bench: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	exit(1);
}

void figure(struct figures *figures, const char *name, double value)
{
	if (figures->n == MAX_FIGURES)
		die("more than %d figures", MAX_FIGURES);
	snprintf(figures->figure[figures->n].name, sizeof(figures->figure[0].name), "%s", name);
	figures->figure[figures->n++].value = value;
}

double figure_get(const struct figures *figures, const char *name)
{
	unsigned int i;

	for (i = 0; i < figures->n; i++)
		if (!strcmp(figures->figure[i].name, name))
			return figures->figure[i].value;
	return 0;
}

static void print_text(const char *workload, const char *scanner, const struct figures *figures)
{
	unsigned int i;

	printf("%s, %s\n", workload, scanner);
	for (i = 0; i < figures->n; i++)
		printf("  %-28s %18.10g\n", figures->figure[i].name, figures->figure[i].value);
}

static void print_json(const char *workload, const char *scanner, const struct figures *figures)
{
	unsigned int i;

	printf("{\"workload\": \"%s\", \"scanner\": \"%s\"", workload, scanner);
	for (i = 0; i < figures->n; i++)
		printf(", \"%s\": %.12g", figures->figure[i].name, figures->figure[i].value);
	printf("}\n");
}

void report(const char *workload, const char *scanner, const struct figures *figures)
{
	print_text(workload, scanner, figures);
	print_json(workload, scanner, figures);
	fflush(stdout);
}
