#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * kernelClock(): { isUnsynchronized: boolean, maxErrorUs: number } | null
 * The kernel's own estimate of the wall clock's error, as programs that discipline the clock keep it; null if it may not
 * be read. Any thread.
 */
Napi::Value kernel_clock(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
