// Calls the thread pool from several threads at once, makes a body fail, and forks; for a sanitizer to watch.

#include "cpu/threads.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace aernet;

namespace {

void expect(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "%s\n", what);
        std::exit(1);
    }
}

void count_all(std::ptrdiff_t count) {
    std::vector<int> seen(static_cast<std::size_t>(count));
    split(count, count, 1, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (; begin < end; ++begin) {
            ++seen[static_cast<std::size_t>(begin)];
        }
    });
    expect(seen == std::vector<int>(seen.size(), 1), "expected each index once");
}

void fail_once() {
    try {
        split(100, 100, 1, [](std::ptrdiff_t begin, std::ptrdiff_t) {
            if (begin > 40) {
                throw std::runtime_error("from the body");
            }
        });
    } catch (const std::runtime_error&) {
        return;
    }
    expect(false, "expected the exception of the body");
}

void call_often() {
    for (int call = 0; call < 200; ++call) {
        count_all(1 + 7 * call);
        if (call % 20 == 0) {
            fail_once();
        }
    }
}

}  // namespace

int main(int count, char**) {
    set_num_threads(3);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back(call_often);
    }
    if (count > 1) {  // with any argument
        for (int child = 0; child < 20; ++child) {
            const auto process = fork();
            if (process == 0) {
                alarm(20);
                count_all(1000);
                _exit(0);
            }
            int status = 1;
            waitpid(process, &status, 0);
            expect(status == 0, "expected the child to end well");
        }
    }
    for (auto& caller : callers) {
        caller.join();
    }
    return 0;
}
