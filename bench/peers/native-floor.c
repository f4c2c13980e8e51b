/*
 * The native floor: a snapshot of every disk by a program without a runtime, in the best manner known: warm TLS
 * connections, grace periods expedited, a thread for each FIFREEZE, all requests at the barrier by one thread, each
 * file system thawed as soon as its answer is in, by one other thread.
 *
 *   native-floor <PEM file of the authority, or an empty word>
 *
 * Standard input: a line for each disk, of words with one blank between them:
 *   <mount point> <host> <port> <value of the Host header> <path and query, with the SAS>
 * Prints a line for each disk: the time of its snapshot (x-ms-snapshot). Whatever fails ends it with 1, after thawing
 * what it has frozen; who starts it thaws behind it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DISKS = 300, LINE_BYTES = 4096, ANSWER_BYTES = 4096, WARM_UPS = 5, LIMIT_MS = 30000 };

struct disk {
  char mount_point[LINE_BYTES], host[256], port[16], name[256], path[LINE_BYTES];
  char request[2 * LINE_BYTES];
  int request_bytes;
  char answer[ANSWER_BYTES];
  int answer_bytes;
  int fd, socket;
  SSL *ssl;
  _Atomic bool is_frozen;
  bool is_answered;
  pthread_t thread;
};

static struct disk *disks;
static int count;
static atomic_int still_freezing;
static _Atomic bool has_failed;
static pthread_barrier_t begin;
/* Readable when the last FIFREEZE has returned. */
static int all_frozen;
/* Numbers of disks whose answers are in. */
static int to_thaw[2];
static const char EXPEDITED[] = "/sys/kernel/rcu_expedited";
static char usual[2] = "0";

static void write_word(const char *path, const char *word) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (write(fd, word, strlen(word)) < 0) perror(path);
    close(fd);
  }
}

static void expedite(void) {
  const int fd = open(EXPEDITED, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, usual, 1) != 1) usual[0] = '0';
    close(fd);
  }
  write_word(EXPEDITED, "1");
}

static void thaw(struct disk *disk) {
  if (atomic_exchange(&disk->is_frozen, false)) ioctl(disk->fd, FITHAW, 0);
}

static void fail(const char *what, const char *why) {
  for (int i = 0; i < count; ++i) thaw(&disks[i]);
  write_word(EXPEDITED, usual);
  fprintf(stderr, "native-floor: %s: %s\n", what, why);
  _exit(1);
}

static void read_disks(void) {
  static char line[4 * LINE_BYTES];
  disks = calloc(DISKS, sizeof *disks);
  if (disks == NULL) fail("memory", strerror(errno));
  while (count < DISKS && fgets(line, sizeof line, stdin) != NULL) {
    struct disk *disk = &disks[count];
    if (sscanf(line, "%4095s %255s %15s %255s %4095s", disk->mount_point, disk->host, disk->port,
               disk->name, disk->path) != 5)
      fail("a line of standard input", "expected five words");
    disk->fd = open(disk->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk->fd < 0) fail(disk->mount_point, strerror(errno));
    count += 1;
  }
}

static void connect_disk(struct disk *disk, SSL_CTX *context) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(disk->host, disk->port, &hints, &found) != 0) fail(disk->host, "no address");
  disk->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(disk->socket, found->ai_addr, found->ai_addrlen) != 0)
    fail(disk->host, strerror(errno));
  freeaddrinfo(found);
  const int yes = 1;
  setsockopt(disk->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  disk->ssl = SSL_new(context);
  SSL_set_fd(disk->ssl, disk->socket);
  SSL_set_tlsext_host_name(disk->ssl, disk->host);
  SSL_set1_host(disk->ssl, disk->host);
  if (SSL_connect(disk->ssl) != 1) fail(disk->host, ERR_error_string(ERR_get_error(), NULL));
}

static void prepare_request(struct disk *disk, const char *method, const char *operation) {
  disk->request_bytes =
      snprintf(disk->request, sizeof disk->request,
               "%s %s%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nx-ms-version: 2018-03-28\r\n\r\n",
               method, disk->path, operation, disk->name);
  disk->answer_bytes = 0;
  disk->is_answered = false;
}

static void send_request(struct disk *disk) {
  if (SSL_write(disk->ssl, disk->request, disk->request_bytes) != disk->request_bytes)
    fail(disk->host, "a request could not be written");
}

/* Reads what is there. True when the whole answer, which has no body, is in. */
static bool read_answer(struct disk *disk) {
  const int space = ANSWER_BYTES - 1 - disk->answer_bytes;
  const int got = SSL_read(disk->ssl, disk->answer + disk->answer_bytes, space);
  if (got <= 0) {
    if (SSL_get_error(disk->ssl, got) == SSL_ERROR_WANT_READ) return false;
    fail(disk->host, "a connection was closed");
  }
  disk->answer_bytes += got;
  disk->answer[disk->answer_bytes] = 0;
  if (strstr(disk->answer, "\r\n\r\n") == NULL) return false;
  if (strncmp(disk->answer, "HTTP/1.1 20", 11) != 0) fail("a request was refused", strtok(disk->answer, "\r"));
  return true;
}

/* Sends the requests of all disks and reads all answers; calls `answered` for each. */
static void exchange(int events, void (*answered)(int)) {
  for (int i = 0; i < count; ++i) send_request(&disks[i]);
  struct epoll_event ready[64];
  for (int left = count; left > 0;) {
    const int found = epoll_wait(events, ready, 64, LIMIT_MS);
    if (found <= 0) fail("epoll_wait", found == 0 ? "no answer in time" : strerror(errno));
    for (int k = 0; k < found; ++k) {
      const int i = (int)ready[k].data.u32;
      while (!disks[i].is_answered && read_answer(&disks[i])) {
        disks[i].is_answered = true;
        left -= 1;
        answered(i);
      }
    }
  }
}

static void nothing(int index) { (void)index; }

static void ask_for_thaw(int index) {
  if (write(to_thaw[1], &index, sizeof index) != sizeof index) fail("pipe", strerror(errno));
}

static void *freeze_when_told(void *argument) {
  struct disk *disk = argument;
  pthread_barrier_wait(&begin);
  if (ioctl(disk->fd, FIFREEZE, 0) == 0)
    disk->is_frozen = true;
  else
    has_failed = true;
  if (atomic_fetch_sub(&still_freezing, 1) == 1) {
    const uint64_t one = 1;
    if (write(all_frozen, &one, sizeof one) < 0) abort();
  }
  return NULL;
}

static void *thaw_when_told(void *argument) {
  (void)argument;
  int indexes[DISKS];
  for (int left = count; left > 0;) {
    const ssize_t got = read(to_thaw[0], indexes, sizeof indexes);
    for (int k = 0; k < (int)(got / (ssize_t)sizeof *indexes); ++k, --left) thaw(&disks[indexes[k]]);
  }
  return NULL;
}

static void sync_all(void) {
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < count; ++i) syncfs(disks[i].fd);
}

static void start_threads(pthread_t *thawing) {
  still_freezing = count;
  all_frozen = eventfd(0, EFD_CLOEXEC);
  if (all_frozen < 0 || pipe2(to_thaw, O_CLOEXEC) != 0) fail("descriptors", strerror(errno));
  pthread_barrier_init(&begin, NULL, (unsigned)count + 1);
  for (int i = 0; i < count; ++i) pthread_create(&disks[i].thread, NULL, freeze_when_told, &disks[i]);
  pthread_create(thawing, NULL, thaw_when_told, NULL);
}

static void connect_all(const char *authority, int events) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (*authority == 0 ? SSL_CTX_set_default_verify_paths(context) != 1
                      : SSL_CTX_load_verify_locations(context, authority, NULL) != 1)
    fail("the certificate authority", "cannot be read");
  for (int i = 0; i < count; ++i) {
    connect_disk(&disks[i], context);
    fcntl(disks[i].socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    epoll_ctl(events, EPOLL_CTL_ADD, disks[i].socket, &event);
  }
}

static void snapshot_all(int events) {
  pthread_t thawing;
  start_threads(&thawing);
  for (int i = 0; i < count; ++i) prepare_request(&disks[i], "PUT", "&comp=snapshot");
  expedite();
  pthread_barrier_wait(&begin);
  uint64_t number;
  if (read(all_frozen, &number, sizeof number) < 0) fail("eventfd", strerror(errno));
  write_word(EXPEDITED, usual);
  if (has_failed) fail("FIFREEZE", "refused");
  exchange(events, ask_for_thaw);
  pthread_join(thawing, NULL);
  for (int i = 0; i < count; ++i) pthread_join(disks[i].thread, NULL);
}

static void print_snapshots(void) {
  for (int i = 0; i < count; ++i) {
    const char *found = strcasestr(disks[i].answer, "x-ms-snapshot: ");
    printf("%.*s\n", found == NULL ? 0 : (int)strcspn(found + 15, "\r"), found == NULL ? "" : found + 15);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) fail("usage", "native-floor <authority>");
  const int events = epoll_create1(EPOLL_CLOEXEC);
  read_disks();
  connect_all(argv[1], events);
  for (int round = 0; round < WARM_UPS; ++round) {
    for (int i = 0; i < count; ++i) prepare_request(&disks[i], "HEAD", "");
    exchange(events, nothing);
  }
  sync_all();
  snapshot_all(events);
  print_snapshots();
  return 0;
}
