#pragma once

#include <napi.h>

namespace flashfreeze {

/**
 * readNumbers(descriptor: number, numbers: Float64Array) — the numbers of the first line of a file, such as
 * /sys/block/<disk>/stat; elements that it does not have become 0. Throws the failed pread.
 */
void read_numbers(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
