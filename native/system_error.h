#pragma once

#include <cerrno>
#include <exception>
#include <string>
#include <utility>

namespace flashfreeze {

/** A failed system call; JavaScript gets its errno, syscall and path. */
class SystemError : public std::exception {
 public:
  SystemError(int error, const char* syscall, std::string path = {})
      : error_(error), syscall_(syscall), path_(std::move(path)) {}

  int error() const { return error_; }
  const char* syscall() const { return syscall_; }
  const std::string& path() const { return path_; }
  const char* what() const noexcept override { return syscall_; }

 private:
  int error_;
  const char* syscall_;
  std::string path_;
};

/** A call that is not allowed in this state: a defect of the program, not of the machine. */
class UsageError : public std::exception {
 public:
  explicit UsageError(const char* message) : message_(message) {}
  const char* what() const noexcept override { return message_; }

 private:
  const char* message_;
};

}  // namespace flashfreeze
