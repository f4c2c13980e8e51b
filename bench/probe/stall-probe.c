/*
 * What a writer feels: every interval 8 bytes are written to each file, and every pause between two
 * finished writes that is longer than 1.5 times the interval is kept with its CLOCK_MONOTONIC stamps.
 *
 *   stall-probe <interval in us> <data|empty> <file>...
 *
 * A thread for each file that wakes 2,000 times a second costs 6 to 9 us a time, nearly all of it for
 * the waking: with 64 files most of a core, which the measured would miss. So one thread, the ticker,
 * writes to all files in turn. When a write of its is held up, every file gets a thread of its own:
 * those are the writers that block and that the thaw wakes. A file goes back to a ticker, another one
 * if need be, after a write that was held up, or after CALM_NS without one. The price: the start of a
 * pause may be put too early by as much as the detection takes (HELD_UP_NS and WATCH_NS).
 *
 * `data` overwrites the same 8 bytes through the page cache, so that there is always one dirty page
 * and one dirty inode, as under any real writer. `empty` writes nothing: write(2) of no bytes waits
 * for a thaw all the same, because the kernel takes freeze protection before it looks at the length
 * (vfs_write, file_start_write), but nothing becomes dirty.
 *
 * Standard input takes `begin` and `end`, a line each; each `end` is answered with one line of JSON:
 *   {"beginNs":"…","endNs":"…","cpuNs":…,
 *    "probes":[{"writes":…,"errno":…,"dropped":…,"histogram":[…],"pauses":[[start,write,end],…]},…]}
 * A pause reaches from the end of one write to the end of the next, whose start stands between the two,
 * all in ns since `begin`; one that is still going on reaches to `end`. Bucket k of the histogram counts pauses of 2^k to 2^(k+1) us.
 * `{"ready":true}` is the first line. End of input ends the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 26, PAUSES = 1024, STACK_BYTES = 64 * 1024, MESSAGE_BYTES = 8 };
enum { WATCH_NS = 200 * 1000, HELD_UP_NS = 200 * 1000, CALM_NS = 20 * 1000 * 1000 };
enum owner { TICKER, OWN_THREAD };

struct pause {
  uint64_t start_ns;
  uint64_t write_ns;
  uint64_t end_ns;
};

/* The mutex is held for some stores only, never over a write. */
struct probe {
  pthread_mutex_t mutex;
  int fd;
  int error;
  _Atomic uint32_t owner;
  uint64_t last_ns;
  uint64_t writes;
  uint64_t pause_count; /* newest in pauses[(pause_count - 1) % PAUSES] */
  uint32_t histogram[BUCKETS];
  struct pause pauses[PAUSES];
} __attribute__((aligned(64)));

static uint64_t interval_ns;
static size_t message_bytes;
static struct probe *probes;
static size_t probe_count;
static _Atomic uint32_t handovers; /* a futex word, on which the files' own threads wait */

/* One writes; those before it are stuck in a write, and end after it. */
struct ticker {
  _Atomic uint64_t writing_since_ns; /* 0 = not in a write */
};
static struct ticker *_Atomic active_ticker;

static uint64_t now_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleep_until(uint64_t at_ns) {
  const struct timespec at = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
  }
}

static void die(const char *what, const char *name, int error) {
  fprintf(stderr, "stall-probe: %s %s: %s\n", what, name, strerror(error));
  exit(1);
}

static uint64_t longest_normal_ns(void) { return interval_ns + interval_ns / 2; }

static unsigned bucket_of(uint64_t ns) {
  const uint64_t us = ns / 1000u;
  const unsigned bucket = us == 0 ? 0 : 63u - (unsigned)__builtin_clzll(us);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* Called by the ticker and by the file's own thread; the one that comes second adds no pause. */
static void note_write(struct probe *probe, int error, uint64_t write_ns, uint64_t end_ns) {
  pthread_mutex_lock(&probe->mutex);
  if (error != 0) {
    probe->error = error;
  } else if (end_ns > probe->last_ns) {
    const uint64_t pause_ns = end_ns - probe->last_ns;
    probe->histogram[bucket_of(pause_ns)] += 1;
    if (pause_ns > longest_normal_ns()) {
      probe->pauses[probe->pause_count % PAUSES] = (struct pause){probe->last_ns, write_ns, end_ns};
      probe->pause_count += 1;
    }
    probe->writes += 1;
    probe->last_ns = end_ns;
  }
  pthread_mutex_unlock(&probe->mutex);
}

static uint64_t write_once(struct probe *probe, uint64_t start_ns) {
  const ssize_t written = pwrite(probe->fd, &start_ns, message_bytes, 0);
  const int error = written == (ssize_t)message_bytes ? 0 : errno;
  const uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
  note_write(probe, error, start_ns, end_ns);
  return end_ns;
}

/* Writes that were missed are not made up for. */
static uint64_t next_tick(uint64_t tick_ns, uint64_t end_ns) {
  return end_ns > tick_ns + interval_ns ? end_ns + interval_ns : tick_ns + interval_ns;
}

static void *write_in_turn(void *argument) {
  struct ticker *ticker = argument;
  uint64_t tick_ns = now_ns(CLOCK_MONOTONIC);
  while (active_ticker == ticker) {
    sleep_until(tick_ns);
    uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
    for (size_t i = 0; i < probe_count && active_ticker == ticker; i++) {
      if (probes[i].owner != TICKER) continue;
      ticker->writing_since_ns = end_ns;
      end_ns = write_once(&probes[i], end_ns);
      ticker->writing_since_ns = 0;
    }
    tick_ns = next_tick(tick_ns, end_ns);
  }
  free(ticker);
  return NULL;
}

static void write_alone(struct probe *probe) {
  const uint64_t since_ns = now_ns(CLOCK_MONOTONIC);
  uint64_t tick_ns = since_ns;
  for (;;) {
    const uint64_t start_ns = now_ns(CLOCK_MONOTONIC);
    const uint64_t end_ns = write_once(probe, start_ns);
    if (end_ns > start_ns + HELD_UP_NS || end_ns > since_ns + CALM_NS) return;
    tick_ns = next_tick(tick_ns, end_ns);
    sleep_until(tick_ns);
  }
}

static void *own_thread(void *argument) {
  struct probe *probe = argument;
  for (;;) {
    const uint32_t seen = handovers;
    if (probe->owner == OWN_THREAD) {
      write_alone(probe);
      probe->owner = TICKER;
    } else {
      syscall(SYS_futex, &handovers, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
  }
  return NULL;
}

static void start_thread(void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  const int error = pthread_create(&thread, &attributes, body, argument);
  if (error != 0) die("start", "a thread", error);
}

/* The former ticker, if any, stays behind in its write. */
static void start_ticker(void) {
  struct ticker *ticker = calloc(1, sizeof *ticker);
  if (ticker == NULL) die("allocate", "memory", ENOMEM);
  active_ticker = ticker;
  start_thread(write_in_turn, ticker);
}

static void hand_over(void) {
  for (size_t i = 0; i < probe_count; i++) probes[i].owner = OWN_THREAD;
  handovers += 1;
  syscall(SYS_futex, &handovers, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    const uint64_t at_ns = now_ns(CLOCK_MONOTONIC);
    const uint64_t since_ns = active_ticker->writing_since_ns;
    if (since_ns != 0 && at_ns > since_ns + HELD_UP_NS) {
      hand_over();
      start_ticker();
    }
    sleep_until(at_ns + WATCH_NS);
  }
  return NULL;
}

static void begin(struct probe *probe) {
  pthread_mutex_lock(&probe->mutex);
  probe->writes = 0;
  probe->pause_count = 0;
  memset(probe->histogram, 0, sizeof probe->histogram);
  pthread_mutex_unlock(&probe->mutex);
}

static void print_pause(const struct pause *pause, uint64_t begin_ns, bool first) {
  printf("%s[%" PRId64 ",%" PRId64 ",%" PRId64 "]", first ? "" : ",",
         (int64_t)(pause->start_ns - begin_ns), (int64_t)(pause->write_ns - begin_ns),
         (int64_t)(pause->end_ns - begin_ns));
}

static void print_probe(struct probe *probe, uint64_t begin_ns, uint64_t end_ns) {
  pthread_mutex_lock(&probe->mutex);
  const uint64_t count = probe->pause_count;
  const uint64_t oldest = count > PAUSES ? count - PAUSES : 0;
  printf("{\"writes\":%" PRIu64 ",\"errno\":%d,\"dropped\":%" PRIu64 ",\"histogram\":[",
         probe->writes, probe->error, oldest);
  for (unsigned i = 0; i < BUCKETS; i++) printf("%s%u", i == 0 ? "" : ",", probe->histogram[i]);
  printf("],\"pauses\":[");
  for (uint64_t i = oldest; i < count; i++) {
    print_pause(&probe->pauses[i % PAUSES], begin_ns, i == oldest);
  }
  const struct pause going_on = {probe->last_ns, probe->last_ns, end_ns};
  if (end_ns > probe->last_ns + longest_normal_ns()) print_pause(&going_on, begin_ns, count == 0);
  pthread_mutex_unlock(&probe->mutex);
  printf("]}");
}

static void obey(void) {
  char line[64];
  uint64_t begin_ns = 0;
  uint64_t begin_cpu_ns = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "begin\n") == 0) {
      begin_ns = now_ns(CLOCK_MONOTONIC);
      begin_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
      for (size_t i = 0; i < probe_count; i++) begin(&probes[i]);
    } else if (strcmp(line, "end\n") == 0) {
      const uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
      printf("{\"beginNs\":\"%" PRIu64 "\",\"endNs\":\"%" PRIu64 "\",\"cpuNs\":%" PRIu64
             ",\"probes\":[",
             begin_ns, end_ns, now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_ns);
      for (size_t i = 0; i < probe_count; i++) {
        if (i > 0) putchar(',');
        print_probe(&probes[i], begin_ns, end_ns);
      }
      puts("]}");
      fflush(stdout);
    }
  }
}

/* The block is allocated and on the disk before the first measured write. */
static int open_file(const char *path) {
  static const char zeros[4096];
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) die("open", path, errno);
  if (pwrite(fd, zeros, sizeof zeros, 0) != (ssize_t)sizeof zeros) die("write", path, errno);
  if (fsync(fd) != 0) die("fsync", path, errno);
  return fd;
}

int main(int count, char **arguments) {
  const long interval_us = count > 3 ? strtol(arguments[1], NULL, 10) : 0;
  if (interval_us <= 0) {
    fputs("usage: stall-probe <interval in us> <data|empty> <file>...\n", stderr);
    return 2;
  }
  interval_ns = (uint64_t)interval_us * 1000u;
  message_bytes = strcmp(arguments[2], "empty") == 0 ? 0 : MESSAGE_BYTES;
  probe_count = (size_t)(count - 3);
  probes = aligned_alloc(64, probe_count * sizeof *probes);
  if (probes == NULL) die("allocate", "memory", ENOMEM);
  memset(probes, 0, probe_count * sizeof *probes);
  for (size_t i = 0; i < probe_count; i++) {
    pthread_mutex_init(&probes[i].mutex, NULL);
    probes[i].fd = open_file(arguments[3 + i]);
  }
  for (size_t i = 0; i < probe_count; i++) {
    probes[i].last_ns = now_ns(CLOCK_MONOTONIC);
    start_thread(own_thread, &probes[i]);
  }
  start_ticker();
  start_thread(watch, NULL);
  puts("{\"ready\":true}");
  fflush(stdout);
  obey();
  return 0;
}
