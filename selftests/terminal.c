// SPDX-License-Identifier: GPL-2.0
/* A real terminal, which a test types into and reads: tmux. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pshare_test.h"
#include "terminal.h"

#define SECONDS		30

char screen[SCREEN_SIZE];

/* Runs a shell command and reads its output. */
int shell(char *out, size_t size, const char *format, ...)
{
	char command[512];
	va_list args;
	size_t len;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	if (!pipe)
		return -1;
	len = fread(out, 1, size - 1, pipe);
	out[len] = '\0';
	return pclose(pipe);
}

static void read_screen(void)
{
	shell(screen, sizeof(screen), TMUX "capture-pane -p");
}

void press(const char *keys)
{
	char unused[64];

	shell(unused, sizeof(unused), TMUX "send-keys %s", keys);
}

bool screen_shows(const char *text)
{
	double end = deadline(SECONDS);

	do {
		read_screen();
		if (strstr(screen, text))
			return true;
		pause_ms(100);
	} while (now() < end);
	fprintf(stderr, "# not on the screen: \"%s\"\n%s\n", text, screen);
	return false;
}

int line_of(const char *word)
{
	char *copy, *rest, *line;
	int number = 0, found = -1;

	read_screen();
	copy = strdup(screen);
	rest = copy;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, word, strlen(word)) && line[strlen(word)] == ' ')
			found = number;
		number++;
	}
	free(copy);
	return found;
}

bool open_terminal(const char *program)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	shell(screen, sizeof(screen), TMUX "kill-server 2>/dev/null");
	if (shell(screen, sizeof(screen), TMUX "new-session -d -x 80 -y 24 'PS1=ready: %s' 2>&1",
		  program))
		return false;
	return screen_shows("ready:");
}

void close_terminal(void)
{
	shell(screen, sizeof(screen), TMUX "kill-server 2>/dev/null");
}

void terminal_mode(char *mode, size_t size)
{
	char tty[64];

	shell(tty, sizeof(tty), TMUX "display-message -p '#{pane_tty}'");
	tty[strcspn(tty, "\n")] = '\0';
	shell(mode, size, "stty -a -F %s", tty);
}
