/*
 * A FUSE daemon that serves one file, `image`, and writes a line to its log before each write to it.
 *   fuse-image-server <mount point> <backing file> <log file> keep|reopen <ms for each write> [asked]
 * The content lies in the backing file. keep: the log stays open, so it can be seen in /proc;
 * reopen: it is opened for each line. Says "ready" when mounted; ends when unmounted.
 * asked: it is asked for the name whenever the path is walked, and not once for all.
 * Speaks the kernel's protocol itself, so that no FUSE library is needed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IMAGE = 2, MAX_WRITE = 128 * 1024 };

static int device, backing, kept;
static useconds_t write_us;
static const char *log_path;
static uint64_t known_seconds = 3600;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_log(void) {
  int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) die(log_path);
  return log;
}

static void write_line(void) {
  const char line[] = "a write was served\n";
  int log = kept >= 0 ? kept : open_log();
  if (write(log, line, sizeof line - 1) < 0) die("log");
  if (kept < 0) close(log);
}

static void answer(const struct fuse_in_header *request, int error, const void *body, size_t size) {
  struct fuse_out_header header = {sizeof header + size, -error, request->unique};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)body, size}};
  /* ENOENT: the request was interrupted meanwhile. */
  if (writev(device, parts, 2) < 0 && errno != ENOENT && errno != ENODEV) die("writev");
}

static struct fuse_attr attributes(uint64_t node) {
  struct stat status;
  if (fstat(backing, &status)) die("fstat");
  struct fuse_attr result = {.ino = node, .nlink = 1, .blksize = 4096};
  result.mode = node == IMAGE ? S_IFREG | 0600 : S_IFDIR | 0700;
  result.size = node == IMAGE ? status.st_size : 0;
  return result;
}

static void answer_lookup(const struct fuse_in_header *request, const char *name) {
  struct fuse_entry_out entry = {.nodeid = IMAGE, .entry_valid = known_seconds, .attr_valid = 3600};
  entry.attr = attributes(IMAGE);
  answer(request, strcmp(name, "image") ? ENOENT : 0, &entry,
         strcmp(name, "image") ? 0 : sizeof entry);
}

static void answer_attributes(const struct fuse_in_header *request) {
  struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(request->nodeid)};
  answer(request, 0, &out, sizeof out);
}

static void answer_init(const struct fuse_in_header *request, const struct fuse_init_in *in) {
  struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION};
  out.max_readahead = in->max_readahead;
  out.flags = in->flags & FUSE_BIG_WRITES;
  out.max_write = MAX_WRITE;
  out.max_background = 16;
  out.congestion_threshold = 12;
  answer(request, 0, &out, sizeof out);
}

static void answer_read(const struct fuse_in_header *request, const struct fuse_read_in *in) {
  static char data[1 << 20];
  size_t wanted = in->size < sizeof data ? in->size : sizeof data;
  ssize_t size = pread(backing, data, wanted, in->offset);
  answer(request, size < 0 ? EIO : 0, data, size < 0 ? 0 : size);
}

static void answer_write(const struct fuse_in_header *request, const struct fuse_write_in *in) {
  usleep(write_us);
  write_line();
  struct fuse_write_out out = {.size = in->size};
  int failed = pwrite(backing, in + 1, in->size, in->offset) != (ssize_t)in->size;
  answer(request, failed ? EIO : 0, &out, failed ? 0 : sizeof out);
}

static void serve(const struct fuse_in_header *request, const void *body) {
  struct fuse_open_out opened = {0};
  switch (request->opcode) {
    case FUSE_INIT: answer_init(request, body); break;
    case FUSE_LOOKUP: answer_lookup(request, body); break;
    case FUSE_GETATTR:
    case FUSE_SETATTR: answer_attributes(request); break;
    case FUSE_OPEN:
    case FUSE_OPENDIR: answer(request, 0, &opened, sizeof opened); break;
    case FUSE_READ: answer_read(request, body); break;
    case FUSE_WRITE: answer_write(request, body); break;
    case FUSE_FLUSH:
    case FUSE_FSYNC:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR: answer(request, 0, NULL, 0); break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: break;
    default: answer(request, ENOSYS, NULL, 0);
  }
}

int main(int argc, char **argv) {
  if (argc != 6 && argc != 7) return 2;
  if (argc == 7) known_seconds = 0;
  log_path = argv[3];
  write_us = atoi(argv[5]) * 1000;
  kept = strcmp(argv[4], "keep") == 0 ? open_log() : -1;
  backing = open(argv[2], O_RDWR | O_CLOEXEC);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (backing < 0 || device < 0) die("open");
  char options[100];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("image-server", argv[1], "fuse.image-server", 0, options)) die("mount");
  puts("ready");
  fflush(stdout);
  static char buffer[MAX_WRITE + 4096] __attribute__((aligned(8)));
  for (;;) {
    ssize_t length = read(device, buffer, sizeof buffer);
    if (length < 0 && errno == ENODEV) return 0;
    if (length < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN) die("read");
    if (length > 0) serve((struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
  }
}
