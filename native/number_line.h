#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * readNumbers(descriptor: number, numbers: Float64Array) — the first numbers of a file of one line, such
 * as /sys/block/<disk>/stat; elements that it does not have become 0. Throws the failed pread.
 */
void read_numbers(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
