#include "cpu/threads.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

namespace aernet {

namespace {

std::atomic<int> num_threads{std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};

}  // namespace

void set_num_threads(int count) { num_threads = count; }

int get_num_threads() { return num_threads; }

void split(std::ptrdiff_t count, std::ptrdiff_t work, std::ptrdiff_t work_per_thread,
           const std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>& body) {
    const auto limit = std::min<std::ptrdiff_t>(num_threads, count);
    const auto parts = std::clamp<std::ptrdiff_t>(work / work_per_thread, 1, limit);
    std::vector<std::future<void>> others;
    others.reserve(static_cast<std::size_t>(parts - 1));
    for (std::ptrdiff_t part = 1; part < parts; ++part) {
        const auto begin = count * part / parts;
        const auto end = count * (part + 1) / parts;
        try {
            others.push_back(std::async(std::launch::async, body, begin, end));
        } catch (const std::system_error&) {  // the system grants no more threads
            body(begin, end);
        }
    }
    body(0, count / parts);
    for (auto& other : others) {
        other.get();
    }
}

}  // namespace aernet
