#pragma once

#include <cstddef>
#include <functional>

namespace aernet {

// At most this many threads share one call; at first, one for each core.
void set_num_threads(int count);
int get_num_threads();

// Calls `body(begin, end)` on consecutive ranges that cover [0, count), side by side, and returns when all are done.
// `work` is the size of the whole job and `work_per_thread` what makes one more thread worth its start.
void split(std::ptrdiff_t count, std::ptrdiff_t work, std::ptrdiff_t work_per_thread,
           const std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>& body);

}  // namespace aernet
