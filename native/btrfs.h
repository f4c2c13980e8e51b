#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * btrfsScrubs(descriptors: number[]): { fsid: string, isScrubbed: boolean | null }[]
 * `descriptors`: an open directory or file of each btrfs. `fsid` is the name in /sys/fs/btrfs; empty if the file
 * system is not a btrfs. `isScrubbed` is null if only root may know.
 */
Napi::Value btrfs_scrubs(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
