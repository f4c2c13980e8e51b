/*
 * An access-control daemon reduced to what matters here: it is asked about every open on one file
 * system, writes a line to its log, and allows it.
 *   permission-daemon <watched directory> <log file> <scan ms> keep|reopen
 * keep: the log stays open, so it can be seen in /proc; reopen: it is opened for each line.
 * Says "ready" when it watches. An answer that another process has given already (ENOENT) is not an error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_log(const char *path) {
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) die(path);
  return log;
}

static void write_line(const char *path, int kept) {
  const char line[] = "an open was allowed\n";
  int log = kept >= 0 ? kept : open_log(path);
  if (write(log, line, sizeof line - 1) < 0) die("write");
  if (kept < 0) close(log);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *watched = argv[1], *path = argv[2];
  const useconds_t scan_us = atoi(argv[3]) * 1000;
  const int kept = strcmp(argv[4], "keep") == 0 ? open_log(path) : -1;
  int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
  if (group < 0) die("fanotify_init");
  if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, watched))
    die("fanotify_mark");
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct fanotify_event_metadata events[16];
    ssize_t length = read(group, events, sizeof events);
    if (length < 0) die("read");
    for (struct fanotify_event_metadata *event = events; FAN_EVENT_OK(event, length);
         event = FAN_EVENT_NEXT(event, length)) {
      usleep(scan_us);
      write_line(path, kept);
      struct fanotify_response answer = {.fd = event->fd, .response = FAN_ALLOW};
      if (write(group, &answer, sizeof answer) < 0 && errno != ENOENT) die("answer");
      close(event->fd);
    }
  }
}
