#include "permission_group.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "number_names.h"
#include "system_error.h"

// Numbers of Linux 5.3 and 5.6, for C libraries that are older.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

namespace flashfreeze {
namespace {

constexpr uint64_t kPermissionEvents = 0x10000 | 0x20000 | 0x40000 | 0x100000;
constexpr long kAlarmNs = 5'000'000;
constexpr char kFanotify[] = "anon_inode:[fanotify]";

static_assert(static_cast<uint32_t>(PermissionAnswer::kAllow) == FAN_ALLOW);
static_assert(static_cast<uint32_t>(PermissionAnswer::kDeny) == FAN_DENY);

int alarm_signal() { return SIGRTMIN + 7; }

bool is_fanotify(const char* link) {
  char target[sizeof kFanotify] = {};
  return readlink(link, target, sizeof target) == sizeof kFanotify - 1 &&
         memcmp(target, kFanotify, sizeof kFanotify - 1) == 0;
}

/**
 * True if a line of the descriptor's fdinfo has a mark that asks for permission:
 * `fanotify sdev:800001 mflags:0 mask:10000 ignored_mask:0`.
 */
bool asks_for_permission(PermissionDescriptor descriptor) {
  constexpr char kMask[] = " mask:";
  constexpr std::size_t kKept = sizeof kMask + 16;  // a mask that the end of the buffer may cut
  char text[1024 + kKept + 1] = {};
  snprintf(text, sizeof text, "/proc/%d/fdinfo/%d", descriptor.pid, descriptor.fd);
  const Descriptor file(open(text, O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  std::size_t kept = 0;
  ssize_t length = 0;
  while ((length = read(file.get(), text + kept, sizeof text - kept - 1)) > 0) {
    const std::size_t filled = kept + static_cast<std::size_t>(length);
    text[filled] = '\0';
    for (const char* at = text; (at = strstr(at, kMask)) != nullptr;) {
      at += sizeof kMask - 1;
      char* end = nullptr;
      const uint64_t mask = strtoull(at, &end, 16);
      if (*end != '\0' && (mask & kPermissionEvents) != 0) return true;
    }
    kept = filled < kKept ? filled : kKept;
    memmove(text, text + filled - kept, kept);
  }
  return false;
}

}  // namespace

std::size_t find_permission_descriptors(PermissionDescriptor* found, std::size_t most) {
  std::size_t count = 0;
  for_each_number("/proc", [&](int pid) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    for_each_number(path, [&](int fd) {
      snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
      if (count < most && is_fanotify(path) && asks_for_permission({pid, fd})) {
        found[count++] = {pid, fd};
      }
    });
  });
  return count;
}

Descriptor duplicate_permission_group(PermissionDescriptor daemon) {
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, daemon.pid, 0)));
  if (!process) throw SystemError(errno, "pidfd_open");
  Descriptor group(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), daemon.fd, 0)));
  if (!group) throw SystemError(errno, "pidfd_getfd");
  char link[40];
  snprintf(link, sizeof link, "/proc/thread-self/fd/%d", group.get());
  if (!is_fanotify(link)) throw SystemError(EBADF, "pidfd_getfd");
  return group;
}

// The alarm ends a read(2) that waits because the daemon was faster. O_NONBLOCK would have that effect too, but
// the daemon shares it. The alarm repeats, because a signal right before the read would have no effect on it.
PermissionAnswerer::PermissionAnswerer(PermissionAnswer answer) : answer_(answer) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(alarm_signal(), &action, nullptr);  // no SA_RESTART
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, alarm_signal());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = alarm_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &alarm_) != 0) {
    throw SystemError(errno, "timer_create");
  }
}

PermissionAnswerer::~PermissionAnswerer() { syscall(SYS_timer_delete, alarm_); }

void PermissionAnswerer::set_alarm(long interval_ns) {
  const itimerspec setting{{0, interval_ns}, {0, interval_ns}};
  syscall(SYS_timer_settime, alarm_, 0, &setting, nullptr);
}

// The answer names an event by the number of its descriptor in the process that read it.
uint32_t PermissionAnswerer::answer_read_by_daemon(int group, pid_t daemon) {
  char descriptors[32];
  snprintf(descriptors, sizeof descriptors, "/proc/%d/fd", daemon);
  uint32_t answered = 0;
  for_each_number(descriptors, [&](int fd) { answered += respond(group, fd); });
  return answered;
}

uint32_t PermissionAnswerer::answer_next(int group) {
  alignas(fanotify_event_metadata) char buffer[256];
  for (;;) {
    pollfd queue{group, POLLIN, 0};
    if (poll(&queue, 1, 0) != 1 || (queue.revents & POLLIN) == 0) return 0;
    set_alarm(kAlarmNs);
    ssize_t length = read_one(group, buffer, sizeof buffer);
    set_alarm(0);
    if (length <= 0) return 0;
    uint32_t answered = 0;
    for (auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer);
         FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
      if (event->fd < 0) continue;
      if ((event->mask & kPermissionEvents) != 0) answered += respond(group, event->fd);
      close(event->fd);
    }
    if (answered != 0) return answered;
  }
}

/** Reads with a buffer for only one event; if the event needs more, the kernel returns EINVAL. */
ssize_t PermissionAnswerer::read_one(int group, void* buffer, std::size_t size) {
  ssize_t length = -1;
  for (std::size_t room = sizeof(fanotify_event_metadata); room <= size; room += 8) {
    length = read(group, buffer, room);
    if (length >= 0 || errno != EINVAL) break;
  }
  return length;
}

// Repeat until there is none: an event that was read here may have the same number as one that the daemon has
// read, and the kernel answers the first that it finds.
uint32_t PermissionAnswerer::respond(int group, int event_fd) {
  const fanotify_response response{event_fd, static_cast<uint32_t>(answer_)};
  uint32_t answered = 0;
  for (;;) {
    const ssize_t written = write(group, &response, sizeof response);
    if (written < 0 && errno == EINTR) continue;
    if (written != sizeof response) return answered;
    ++answered;
  }
}

}  // namespace flashfreeze
