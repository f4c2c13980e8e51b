/*
 * What a writer feels: every interval 8 bytes are written to each file, and every pause between two
 * finished writes that is longer than 1.5 times the interval is kept with its CLOCK_MONOTONIC stamps.
 *
 *   stall-probe <interval in us> <data|empty> <file>...
 *
 * A thread for each file that wakes 2,000 times a second costs 6 to 9 us a time, nearly all of it for
 * the waking: with 64 files most of a core, which the measured would miss. So as long as no write is
 * held up one thread, the ticker, writes to all of them in turn. As soon as a write takes longer than
 * HELD_UP_NS, every file gets a thread of its own: those are the writers that block and that the thaw
 * wakes. They go on until no write has been held up for CALM_NS. The price: the start of a pause may
 * be put too early by as much as the detection takes (HELD_UP_NS and WATCH_NS).
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
enum { TICKER_WRITES_ALL, EACH_WRITES_ITS_OWN };

struct pause {
  uint64_t start_ns;
  uint64_t write_ns;
  uint64_t end_ns;
};

/* The mutex is held for some stores only, never over a system call that may block. */
struct probe {
  pthread_mutex_t mutex;
  int fd;
  int error;
  _Atomic uint64_t writing_since_ns; /* of its own thread; 0 = not in a write */
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
static _Atomic uint32_t mode = TICKER_WRITES_ALL; /* a futex word */
static _Atomic uint64_t ticker_writing_since_ns;

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

static uint64_t write_once(struct probe *probe, _Atomic uint64_t *since_ns, uint64_t start_ns) {
  atomic_store_explicit(since_ns, start_ns, memory_order_relaxed);
  const ssize_t written = pwrite(probe->fd, &start_ns, message_bytes, 0);
  const int error = written == (ssize_t)message_bytes ? 0 : errno;
  atomic_store_explicit(since_ns, 0, memory_order_relaxed);
  const uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
  note_write(probe, error, start_ns, end_ns);
  return end_ns;
}

/* Writes that were missed are not made up for. */
static uint64_t next_tick(uint64_t tick_ns, uint64_t end_ns) {
  return end_ns > tick_ns + interval_ns ? end_ns + interval_ns : tick_ns + interval_ns;
}

static void *write_all(void *unused) {
  (void)unused;
  uint64_t tick_ns = now_ns(CLOCK_MONOTONIC);
  for (;;) {
    sleep_until(tick_ns);
    uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
    for (size_t i = 0; i < probe_count && mode == TICKER_WRITES_ALL; i++) {
      end_ns = write_once(&probes[i], &ticker_writing_since_ns, end_ns);
    }
    tick_ns = next_tick(tick_ns, end_ns);
  }
  return NULL;
}

static void *write_own(void *argument) {
  struct probe *probe = argument;
  for (;;) {
    syscall(SYS_futex, &mode, FUTEX_WAIT_PRIVATE, TICKER_WRITES_ALL, NULL, NULL, 0);
    uint64_t tick_ns = now_ns(CLOCK_MONOTONIC);
    while (mode == EACH_WRITES_ITS_OWN) {
      const uint64_t start_ns = now_ns(CLOCK_MONOTONIC);
      tick_ns = next_tick(tick_ns, write_once(probe, &probe->writing_since_ns, start_ns));
      sleep_until(tick_ns);
    }
  }
  return NULL;
}

static bool is_held_up(_Atomic uint64_t *since_ns, uint64_t at_ns) {
  const uint64_t since = atomic_load_explicit(since_ns, memory_order_relaxed);
  return since != 0 && at_ns > since + HELD_UP_NS;
}

static bool any_held_up(uint64_t at_ns) {
  bool held_up = is_held_up(&ticker_writing_since_ns, at_ns);
  for (size_t i = 0; i < probe_count && !held_up && mode == EACH_WRITES_ITS_OWN; i++) {
    held_up = is_held_up(&probes[i].writing_since_ns, at_ns);
  }
  return held_up;
}

static void *watch(void *unused) {
  (void)unused;
  uint64_t held_up_ns = 0;
  for (uint64_t at_ns = now_ns(CLOCK_MONOTONIC);; at_ns = now_ns(CLOCK_MONOTONIC)) {
    if (any_held_up(at_ns)) {
      held_up_ns = at_ns;
      if (atomic_exchange(&mode, EACH_WRITES_ITS_OWN) == TICKER_WRITES_ALL) {
        syscall(SYS_futex, &mode, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
      }
    } else if (at_ns > held_up_ns + CALM_NS) {
      mode = TICKER_WRITES_ALL;
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

static uint64_t cpu_ns(void) { return now_ns(CLOCK_PROCESS_CPUTIME_ID); }

static void obey(void) {
  char line[64];
  uint64_t begin_ns = 0;
  uint64_t begin_cpu_ns = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "begin\n") == 0) {
      begin_ns = now_ns(CLOCK_MONOTONIC);
      begin_cpu_ns = cpu_ns();
      for (size_t i = 0; i < probe_count; i++) begin(&probes[i]);
    } else if (strcmp(line, "end\n") == 0) {
      const uint64_t end_ns = now_ns(CLOCK_MONOTONIC);
      printf("{\"beginNs\":\"%" PRIu64 "\",\"endNs\":\"%" PRIu64 "\",\"cpuNs\":%" PRIu64
             ",\"probes\":[",
             begin_ns, end_ns, cpu_ns() - begin_cpu_ns);
      for (size_t i = 0; i < probe_count; i++) {
        if (i > 0) putchar(',');
        print_probe(&probes[i], begin_ns, end_ns);
      }
      puts("]}");
      fflush(stdout);
    }
  }
}

static void die(const char *what, const char *name, int error) {
  fprintf(stderr, "stall-probe: %s %s: %s\n", what, name, strerror(error));
  exit(1);
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

static void start_thread(void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  const int error = pthread_create(&thread, &attributes, body, argument);
  if (error != 0) die("start", "a thread", error);
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
    start_thread(write_own, &probes[i]);
  }
  start_thread(write_all, NULL);
  start_thread(watch, NULL);
  puts("{\"ready\":true}");
  fflush(stdout);
  obey();
  return 0;
}
