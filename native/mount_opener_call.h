#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * openMountPoints(paths: string[], limitNs: bigint, done: (descriptors: number[], errors: number[]) => void)
 * A descriptor is -1 if there is an error.
 */
Napi::Value open_mount_points(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
