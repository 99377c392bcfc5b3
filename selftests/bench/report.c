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

static bool figure_has(const struct figures *figures, const char *name)
{
	unsigned int i;

	for (i = 0; i < figures->n; i++)
		if (!strcmp(figures->figure[i].name, name))
			return true;
	return false;
}

int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double over_repeats(const struct figures *once, unsigned int n, const char *name)
{
	double value[MAX_REPEATS], sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!figure_has(&once[i], name))
			die("repeat %u has no %s", i, name);
		value[i] = figure_get(&once[i], name);
		sum += value[i];
	}
	qsort(value, n, sizeof(*value), by_value);
	return strncmp(name, "wrong_", 6) ? value[n / 2] : sum;
}

void figure_medians(struct figures *figures, const struct figures *once, unsigned int n)
{
	unsigned int i, k;

	for (k = 1; k < n; k++)
		for (i = 0; i < once[k].n; i++)
			if (!figure_has(&once[0], once[k].figure[i].name))
				die("repeat 0 has no %s", once[k].figure[i].name);
	for (i = 0; i < once[0].n; i++)
		figure(figures, once[0].figure[i].name,
		       over_repeats(once, n, once[0].figure[i].name));
	figure(figures, "repeats", n);
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
