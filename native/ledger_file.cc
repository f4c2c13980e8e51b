/** Creates a ledger's file. Only the worker needs this; the guardian only maps the ledger. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledger.h"

namespace flashfreeze {
namespace {

/** Creates a file without a name. Does not write to a file system that could block. */
Descriptor nameless_file_in(int directory, std::size_t bytes) {
  struct statfs status {};
  if (fstatfs(directory, &status) != 0) throw SystemError(errno, "fstatfs");
  if (status.f_type != TMPFS_MAGIC) throw SystemError(EOPNOTSUPP, "fstatfs");
  Descriptor file(openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) throw SystemError(errno, "open");
  // Without this, the first write to a page that a full tmpfs cannot provide would kill the process (SIGBUS).
  while (fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno != EINTR) throw SystemError(errno, "fallocate");
  }
  return file;
}

Descriptor memory_file(std::size_t bytes) {
  Descriptor file(memfd_create("flashfreeze-ledger", MFD_CLOEXEC));
  if (!file) throw SystemError(errno, "memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) throw SystemError(errno, "ftruncate");
  return file;
}

}  // namespace

Ledger Ledger::create(uint32_t count, int directory) {
  std::optional<SystemError> in_memory_because;
  try {
    if (directory >= 0) return create_in(nameless_file_in(directory, bytes_for(count)), count);
    in_memory_because.emplace(EOPNOTSUPP, "linkat");
  } catch (const SystemError& failure) {
    in_memory_because.emplace(failure);
  }
  Ledger ledger = create_in(memory_file(bytes_for(count)), count);
  ledger.in_memory_because_ = in_memory_because;
  return ledger;
}

void Ledger::keep(int directory, const std::string& name) const {
  if (in_memory_because_) throw *in_memory_because_;
  const std::string own = "/proc/self/fd/" + std::to_string(fd_.get());
  if (linkat(AT_FDCWD, own.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    throw SystemError(errno, "linkat");
  }
}

}  // namespace flashfreeze
