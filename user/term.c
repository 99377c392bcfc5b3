// SPDX-License-Identifier: GPL-2.0
/* The terminal, as far as one live screen needs it: a mode, a size, keys, and a picture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "term.h"
#include "util.h"

#define KEYS_SIZE	256

#define ENTER		"\033[?1049h\033[?25l\033[H\033[J"	/* other screen, no cursor */
#define LEAVE		"\033[?25h\033[?1049l"

static struct termios before;
static bool taken;

bool term_usable(void)
{
	const char *type = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && type && *type &&
	       strcmp(type, "dumb");
}

static bool write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t done = write(STDOUT_FILENO, text, len);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			text += done;
			len -= done;
		}
	}
	return true;
}

int term_enter(void)
{
	static bool registered;
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before))
		return -errno;
	raw = before;
	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (!registered && atexit(term_leave))
		return -ENOMEM;
	registered = true;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw))
		return -errno;
	taken = true;
	return write_all(ENTER, strlen(ENTER)) ? 0 : -errno;
}

void term_leave(void)
{
	if (!taken)
		return;
	taken = false;
	write_all(LEAVE, strlen(LEAVE));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

void term_size(int *columns, int *rows)
{
	struct winsize size;
	bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row;

	*columns = known ? size.ws_col : 80;
	*rows = known ? size.ws_row : 24;
}

static const struct sequence {
	const char *bytes;
	int key;
} sequences[] = {
	{ "\033[A", KEY_UP }, { "\033OA", KEY_UP },
	{ "\033[B", KEY_DOWN }, { "\033OB", KEY_DOWN },
	{ "\033[5~", KEY_PAGE_UP }, { "\033[6~", KEY_PAGE_DOWN },
	{ "\033[H", KEY_HOME }, { "\033OH", KEY_HOME }, { "\033[1~", KEY_HOME },
	{ "\033[F", KEY_END }, { "\033OF", KEY_END }, { "\033[4~", KEY_END },
};

/* Length of an escape sequence that nobody asked for: up to its final letter. */
static size_t skip_sequence(const char *bytes, size_t len)
{
	size_t at = 1;

	if (len < 2 || (bytes[1] != '[' && bytes[1] != 'O'))
		return 1;
	for (at = 2; at < len && (bytes[at] < '@' || bytes[at] > '~'); at++)
		;
	return at < len ? at + 1 : at;
}

int term_decode(const char *bytes, size_t len, int *keys, size_t max)
{
	size_t count = 0;

	while (len && count < max) {
		size_t step = 1;
		int key = (unsigned char)*bytes;

		if (key == '\033') {
			step = skip_sequence(bytes, len);
			key = 0;
			for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
				if (strlen(sequences[i].bytes) == step &&
				    !memcmp(sequences[i].bytes, bytes, step))
					key = sequences[i].key;
		}
		if (key)
			keys[count++] = key;
		bytes += step;
		len -= step;
	}
	return count;
}

int term_keys(int *keys, size_t max)
{
	char bytes[KEYS_SIZE];
	ssize_t len = read(STDIN_FILENO, bytes, max < sizeof(bytes) ? max : sizeof(bytes));

	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	return len > 0 ? term_decode(bytes, len, keys, max) : -1;
}

/* Each line is cleared behind its end, and the screen behind the last: nothing flickers. */
bool term_draw(const char *lines)
{
	char *picture = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&picture, &size);
	bool good;

	if (!file)
		return false;
	fputs("\033[H", file);
	for (; *lines; lines++) {
		if (*lines == '\n')
			fputs("\033[K\r\n", file);
		else
			putc(*lines, file);
	}
	fputs("\033[K\033[J", file);
	good = !fclose(file) && write_all(picture, size);
	free(picture);
	return good;
}
