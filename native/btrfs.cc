#include "btrfs.h"

#include <linux/btrfs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

namespace flashfreeze {
namespace {

/** Device numbers are never reused; a file system that ever had more devices than this is not supported. */
constexpr uint64_t kMostDevices = 1024;

std::string fsid_of(const btrfs_ioctl_fs_info_args& about) {
  std::string text;
  for (std::size_t i = 0; i < sizeof about.fsid; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", about.fsid[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits;
  }
  return text;
}

/** The kernel's answer about the scrub of one device: 0 if it runs, else an errno. */
int scrub_error(int fd, uint64_t device) {
  btrfs_ioctl_scrub_args scrub{};
  scrub.devid = device;
  return ioctl(fd, BTRFS_IOC_SCRUB_PROGRESS, &scrub) == 0 ? 0 : errno;
}

}  // namespace

Napi::Value btrfs_scrubs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto descriptors = info[0].As<Napi::Array>();
  auto all = Napi::Array::New(env, descriptors.Length());
  for (uint32_t i = 0; i < descriptors.Length(); ++i) {
    const int fd = descriptors.Get(i).As<Napi::Number>().Int32Value();
    btrfs_ioctl_fs_info_args about{};
    auto one = Napi::Object::New(env);
    all.Set(i, one);
    const int error = ioctl(fd, BTRFS_IOC_FS_INFO, &about) == 0 ? 0 : errno;
    // Other file systems do not know the request, but a security policy is asked before them.
    one.Set("isForbidden", Napi::Boolean::New(env, error == EACCES));
    if (error != 0) {
      one.Set("fsid", "");
      one.Set("isScrubbed", Napi::Boolean::New(env, false));
      continue;
    }
    one.Set("fsid", fsid_of(about));
    one.Set("isScrubbed", Napi::Boolean::New(env, false));
    for (uint64_t device = 1; device <= std::min<uint64_t>(about.max_id, kMostDevices); ++device) {
      const int scrub = scrub_error(fd, device);
      if (scrub == 0) one.Set("isScrubbed", Napi::Boolean::New(env, true));
      if (scrub == EPERM) one.Set("isScrubbed", env.Null());
      if (scrub == 0 || scrub == EPERM) break;
    }
  }
  return all;
}

}  // namespace flashfreeze
