#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace fake_cuda {

struct Settings {
    int gpus = 1;
    bool is_integrated = false;
    bool shares_pages = false;  // with the host
    bool is_lost = false;
    bool refuses_capture = false;
    long delay_us = 0;             // before each thing that a stream does
    std::size_t memory_bytes = 0;  // in all; 0 for as much as there is
    std::uintptr_t foreign_pointer = 0;
};

extern Settings settings;
// How often graphs and kernels were launched, a copy from the host was queued, memory was allocated, and somebody
// waited for what was not over, or kept the processor busy meanwhile ("spins"); by name.
std::map<std::string, long> calls();

// Aborts unless the primary context is the thread's current one.
void need_context();

// The thread's current context; 0 for none.
std::uintptr_t context();

// What is alive, by name.
std::map<std::string, long> counts();

void queue(std::uintptr_t stream, std::function<void()> work);

}  // namespace fake_cuda
