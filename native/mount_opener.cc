#include "mount_opener.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "clock.h"
#include "mount_point.h"

namespace flashfreeze {
namespace {

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

constexpr uint64_t kNsPerMs = 1'000'000;
/** A process that can be killed is dead within a few ms. */
constexpr int kDeathLimitMs = 200;

/** One message: the errno, and if it is 0 the descriptor. */
union Control {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

// These run in the helper: a copy of one thread of a multi-threaded process, so they must not lock or allocate.

void keep_only_standard_input() {
  if (syscall(SYS_close_range, 1U, ~0U, 0U) == 0) return;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  for (rlim_t fd = 1; fd < limit.rlim_cur && fd < (1U << 20); ++fd) close(static_cast<int>(fd));
}

void tell(int error, int fd) {
  Control control{};
  iovec body{&error, sizeof error};
  msghdr message{};
  message.msg_iov = &body;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  if (sendmsg(STDIN_FILENO, &message, MSG_NOSIGNAL) < 0) _exit(1);
}

[[noreturn]] void help(int socket, const char* const* paths, std::size_t count) {
  if (dup2(socket, STDIN_FILENO) < 0) _exit(1);
  keep_only_standard_input();
  if (chdir("/") != 0) _exit(1);
  for (std::size_t i = 0; i < count; ++i) {
    const RawOpened opened = open_mount_point_raw(paths[i]);
    tell(opened.error, opened.fd);
    if (opened.fd >= 0) close(opened.fd);
  }
  _exit(0);
}

}  // namespace

/** A process, the next path that it will answer for, and how many are left. */
struct MountOpener::Helper {
  pid_t pid = -1;
  Descriptor socket;
  std::size_t next = 0;
  std::size_t left = 0;
};

MountOpener::MountOpener(std::vector<std::string> paths, uint64_t limit_ns)
    : paths_(std::move(paths)),
      limit_ns_(limit_ns),
      opened_(paths_.size()),
      answered_(paths_.size()) {}

std::vector<OpenedMountPoint> MountOpener::open() {
  std::vector<Helper> helpers;
  if (!paths_.empty()) helpers.push_back(start(0, paths_.size()));
  listen(helpers);
  const auto unanswered = [this](std::size_t i) { return !answered_[i]; };
  const std::size_t stuck = helpers.empty() ? 0 : helpers.front().next;
  for (Helper& helper : helpers) end(helper);
  helpers.clear();
  for (std::size_t i = stuck + 1; i < paths_.size(); ++i) {
    if (unanswered(i)) helpers.push_back(start(i, 1));
  }
  listen(helpers);
  for (Helper& helper : helpers) end(helper);
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (unanswered(i)) opened_[i].error = ETIMEDOUT;
  }
  return std::move(opened_);
}

void MountOpener::fail(std::size_t first, std::size_t count, int error) {
  for (std::size_t i = first; i < first + count; ++i) {
    opened_[i].error = error;
    answered_[i] = true;
  }
}

MountOpener::Helper MountOpener::start(std::size_t first, std::size_t count) {
  Helper helper;
  helper.next = first;
  std::vector<const char*> paths;
  for (std::size_t i = first; i < first + count; ++i) paths.push_back(paths_[i].c_str());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    fail(first, count, errno);
    return helper;
  }
  helper.socket = Descriptor(ends[0]);
  const Descriptor other(ends[1]);
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);  // no handler of this process runs in the new one
  // No signal at its end, so that no other code of this process notices it. The new process has one thread, a copy
  // of this one.
  const long pid = syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) help(other.get(), paths.data(), count);
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  if (pid < 0) {
    fail(first, count, errno);
    return helper;
  }
  helper.pid = static_cast<pid_t>(pid);
  helper.left = count;
  return helper;
}

/** Receives one answer. False if the helper has ended, or never began. */
bool MountOpener::hear(Helper& helper) {
  int error = 0;
  Control control{};
  iovec body{&error, sizeof error};
  msghdr message{};
  message.msg_iov = &body;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t length = recvmsg(helper.socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (length != sizeof error) {
    helper.left = 0;
    return false;
  }
  OpenedMountPoint& opened = opened_[helper.next];
  opened.error = error;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    opened.descriptor = Descriptor(fd);
  } else if (error == 0) {
    opened.error = EMFILE;  // the kernel omits a descriptor that exceeds this process's limit
  }
  answered_[helper.next] = true;
  helper.next += 1;
  helper.left -= 1;
  return true;
}

/** Receives answers until all have answered, or none has within the limit. */
void MountOpener::listen(std::vector<Helper>& helpers) {
  uint64_t deadline_ns = monotonic_ns() + limit_ns_;
  for (;;) {
    std::vector<pollfd> waiting;
    std::vector<Helper*> whose;
    for (Helper& helper : helpers) {
      if (helper.left == 0) continue;
      waiting.push_back({helper.socket.get(), POLLIN, 0});
      whose.push_back(&helper);
    }
    const uint64_t now_ns = monotonic_ns();
    if (waiting.empty() || now_ns >= deadline_ns) return;
    const uint64_t wait_ms = (deadline_ns - now_ns) / kNsPerMs + 1;
    if (poll(waiting.data(), waiting.size(), static_cast<int>(wait_ms)) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      if (hear(*whose[i]) && helpers.size() == 1) deadline_ns = monotonic_ns() + limit_ns_;
    }
  }
}

/** Kills a helper. If it hangs in the kernel, SIGKILL takes effect later, and nothing waits for it. */
void MountOpener::end(Helper& helper) {
  if (helper.pid < 0) return;
  kill(helper.pid, SIGKILL);
  // Its end of the socket closes when it dies.
  pollfd death{helper.socket.get(), 0, 0};
  const bool is_over = helper.left == 0 || poll(&death, 1, kDeathLimitMs) > 0;
  helper.socket.reset();
  while (waitpid(helper.pid, nullptr, __WALL | (is_over ? 0 : WNOHANG)) < 0 && errno == EINTR) {
  }
}

}  // namespace flashfreeze
