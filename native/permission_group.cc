#include "permission_group.h"

#include <poll.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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
// Other threads get their turn, and whoever asked for this can end it.
constexpr int kReadsAtOnce = 64;

static_assert(static_cast<uint32_t>(PermissionAnswer::kAllow) == FAN_ALLOW);
static_assert(static_cast<uint32_t>(PermissionAnswer::kDeny) == FAN_DENY);

int alarm_signal() { return SIGRTMIN + 7; }

void require_fanotify(int fd) {
  char link[40];
  char target[sizeof "anon_inode:[fanotify]"] = {};
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, target, sizeof target - 1);
  if (length < 0 || strcmp(target, "anon_inode:[fanotify]") != 0) {
    throw SystemError(EBADF, "pidfd_getfd");
  }
}

}  // namespace

Descriptor duplicate_permission_group(pid_t pid, int fd) {
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) throw SystemError(errno, "pidfd_open");
  Descriptor group(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
  if (!group) throw SystemError(errno, "pidfd_getfd");
  require_fanotify(group.get());
  return group;
}

// The alarm ends a read(2) that waits because the daemon was faster. O_NONBLOCK would do too, but the
// daemon shares it. It repeats, since a signal that comes right before the read is lost on it.
PermissionAnswerer::PermissionAnswerer(int group, pid_t daemon) : group_(group), daemon_(daemon) {
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

uint32_t PermissionAnswerer::answer_all(PermissionAnswer answer) {
  return answer_read_by_daemon(answer) + answer_queued(answer);
}

// An event is answered by the number its descriptor has in the process that read it.
uint32_t PermissionAnswerer::answer_read_by_daemon(PermissionAnswer answer) {
  char descriptors[32];
  snprintf(descriptors, sizeof descriptors, "/proc/%d/fd", daemon_);
  uint32_t answered = 0;
  for_each_number(descriptors, [&](int fd) { answered += respond(fd, answer); });
  return answered;
}

uint32_t PermissionAnswerer::answer_queued(PermissionAnswer answer) {
  uint32_t answered = 0;
  alignas(fanotify_event_metadata) char buffer[2048];
  for (int reads = 0; reads < kReadsAtOnce; ++reads) {
    pollfd queue{group_, POLLIN, 0};
    if (poll(&queue, 1, 0) != 1 || (queue.revents & POLLIN) == 0) break;
    set_alarm(kAlarmNs);
    ssize_t length = read(group_, buffer, sizeof buffer);
    set_alarm(0);
    if (length <= 0) break;
    for (auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer);
         FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
      if (event->fd < 0) continue;
      if ((event->mask & kPermissionEvents) != 0) answered += respond(event->fd, answer);
      close(event->fd);
    }
  }
  return answered;
}

// Until there is none: an event read here may have the same number as one the daemon has read, and
// the kernel answers the one it finds first.
uint32_t PermissionAnswerer::respond(int event_fd, PermissionAnswer answer) {
  const fanotify_response response{event_fd, static_cast<uint32_t>(answer)};
  uint32_t answered = 0;
  for (;;) {
    const ssize_t written = write(group_, &response, sizeof response);
    if (written < 0 && errno == EINTR) continue;
    if (written != sizeof response) return answered;
    ++answered;
  }
}

}  // namespace flashfreeze
