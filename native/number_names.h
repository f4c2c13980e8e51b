#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "descriptor.h"

namespace flashfreeze {

/**
 * Calls `visit` with every name in a directory that is a number: the processes in /proc, the threads or
 * descriptors of a process. A directory that is gone counts as empty. Does not allocate, unlike readdir(3).
 */
template <typename Visit>
void for_each_number(const char* directory, Visit visit) {
  struct Entry {  // linux_dirent64, getdents64(2)
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[1];
  };
  const Descriptor opened(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return;
  alignas(Entry) char buffer[2048];
  long length = 0;
  while ((length = syscall(SYS_getdents64, opened.get(), buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->length;
      char* end = nullptr;
      const long number = strtol(entry->name, &end, 10);
      if (end != entry->name && *end == '\0') visit(static_cast<int>(number));
    }
  }
}

}  // namespace flashfreeze
