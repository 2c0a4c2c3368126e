#pragma once

#include <cstddef>
#include <functional>

namespace aernet {

// At most this many threads share one call; at first, one for each core.
void set_num_threads(int count);
int get_num_threads();

// Calls `body(begin, end)` on ranges that together cover [0, count), in parallel, each thread range after range,
// and returns when all are done. The caller works too; the others are threads that are kept. `work` is the size
// of the whole job and `work_per_thread` what makes one more thread worth waking. Throws what a call of `body` throws.
void split(std::ptrdiff_t count, std::ptrdiff_t work, std::ptrdiff_t work_per_thread,
           const std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>& body);

}  // namespace aernet
