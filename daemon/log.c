// SPDX-License-Identifier: GPL-2.0
/* What the daemon has to say: one line each, to the journal or to a person. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "text.h"

#define LINE_SIZE	1024

/* What systemd starts inherits the variable, also where it writes to a terminal or a file. */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat file;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &file) && file.st_dev == device && file.st_ino == inode;
}

static void say(const char *priority, const char *format, va_list args)
{
	char line[LINE_SIZE], safe[LINE_SIZE];

	vsnprintf(line, sizeof(line), format, args);
	text_escape(safe, sizeof(safe), line);
	fprintf(stderr, "%s%s\n", to_journal() ? priority : "pshared: ", safe);
}

#define LOG_FUNCTION(name, priority)			\
	void name(const char *format, ...)		\
	{						\
		va_list args;				\
							\
		va_start(args, format);			\
		say(priority, format, args);		\
		va_end(args);				\
	}

LOG_FUNCTION(log_error, SD_ERR)
LOG_FUNCTION(log_warning, SD_WARNING)
LOG_FUNCTION(log_info, SD_INFO)
