#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * btrfsScrubs(descriptors: number[]): { fsid: string, isScrubbed: boolean | null }[]
 * For an open directory or file of each btrfs; the fsid as /sys/fs/btrfs names it, empty where it is none. Null where
 * only root may know.
 */
Napi::Value btrfs_scrubs(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
