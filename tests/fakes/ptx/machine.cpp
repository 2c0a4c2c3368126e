#include "machine.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <sstream>
#include <utility>

#include "counts.h"

namespace ptx {

namespace {

constexpr std::size_t kStack = 1 << 18;
constexpr int kNobody = -1;
constexpr int kSeveral = -2;

// Who has touched a byte of shared memory since the last barrier, and whether it was ever written.
struct Trace {
    int writer = kNobody;
    int reader = kNobody;
    bool is_written = false;
};

enum class Order { kForward, kReverse, kRandom };

struct Machine {
    Order order = Order::kForward;
    std::string fault;
    Counts counts;
    std::mt19937 random{1};
    std::vector<std::unique_ptr<u8[]>> stacks;
    ucontext_t scheduler{};

    const Entry* entry = nullptr;
    const u8* parameters = nullptr;
    std::vector<Region> regions;
    Thread* running = nullptr;
    alignas(16) u8 shared[1 << 16];
    std::vector<Trace> traces;
};

Machine machine;

void fail(const Thread& thread, const std::string& what, u64 address, int size, int instruction) {
    std::ostringstream text;
    text << what << ": " << machine.entry->opcodes[static_cast<std::size_t>(instruction)] << " of " << size
         << " bytes at 0x" << std::hex << address << std::dec << ", thread " << thread.index << " of block "
         << thread.ctaid.x << ", " << thread.ctaid.y << ", " << thread.ctaid.z;
    machine.fault = text.str();
    setcontext(&machine.scheduler);
}

void run_thread() {
    machine.entry->run(*machine.running, machine.parameters);
    machine.running->is_done = true;
    setcontext(&machine.scheduler);
}

std::string readable(const char* name) {
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, nullptr), std::free);
    return text.get();
}

const Entry* find(const std::string& kernel) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
        return readable(entry.name).find("::" + kernel + "(") != std::string::npos;
    });
    if (found == entries.end()) {
        machine.fault = "no kernel " + kernel;
        return nullptr;
    }
    return &*found;
}

void prepare(Thread& thread, u8* stack) {
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = stack;
    thread.context.uc_stack.ss_size = kStack;
    makecontext(&thread.context, run_thread, 0);
#if defined(PTX_COUNT)
    thread.counts.resize(machine.entry->opcodes.size());
#endif
}

std::vector<Thread> threads_of(const Dimensions& place, const Dimensions& grid, const Dimensions& block) {
    std::vector<Thread> threads;
    for (u32 z = 0; z < block.z; ++z) {
        for (u32 y = 0; y < block.y; ++y) {
            for (u32 x = 0; x < block.x; ++x) {
                threads.push_back({{x, y, z}, block, place, grid, static_cast<int>(threads.size()), false, {}, {}});
            }
        }
    }
    while (machine.stacks.size() < threads.size()) {
        machine.stacks.emplace_back(new u8[kStack]);
    }
    for (std::size_t i = 0; i < threads.size(); ++i) {
        prepare(threads[i], machine.stacks[i].get());
    }
    return threads;
}

// Runs each thread to its next barrier or to its end, and returns how many have ended by then.
int run_to_barrier(std::vector<Thread>& threads, std::vector<int>& order) {
    if (machine.order == Order::kRandom) {
        std::shuffle(order.begin(), order.end(), machine.random);
    }
    int done = 0;
    for (const int index : order) {
        Thread& thread = threads[static_cast<std::size_t>(index)];
        machine.running = &thread;
        swapcontext(&machine.scheduler, &thread.context);
        if (!machine.fault.empty()) {
            break;
        }
        done += thread.is_done ? 1 : 0;
    }
    for (Trace& trace : machine.traces) {
        trace.writer = trace.reader = kNobody;
    }
    return done;
}

void run_block(std::vector<Thread> threads) {
    machine.traces.assign(static_cast<std::size_t>(machine.entry->shared_bytes), Trace{});
    std::vector<int> order(threads.size());
    std::iota(order.begin(), order.end(), 0);
    if (machine.order == Order::kReverse) {
        std::reverse(order.begin(), order.end());
    }
    const int count = static_cast<int>(threads.size());
    int done = 0;
    while (done < count && machine.fault.empty()) {
        done = run_to_barrier(threads, order);
        if (done > 0 && done < count && machine.fault.empty()) {
            machine.fault = std::to_string(done) + " threads of a block end while others wait at a barrier";
        }
    }
#if defined(PTX_COUNT)
    machine.counts.end_block(threads);
#endif
}

}  // namespace

bool Region::holds(u64 address, int size) const {
    const u64 begin = reinterpret_cast<u64>(data);
    for (int i = 0; i < count; ++i) {
        const std::ptrdiff_t byte = static_cast<std::ptrdiff_t>(address - begin) - i * stride;
        const std::ptrdiff_t row = pitch == 0 ? 0 : byte / pitch;
        if (byte >= 0 && row < rows && byte - row * pitch + size <= row_bytes) {
            return true;
        }
    }
    return false;
}

u8* Thread::global(u64 address, int size, bool writes, int instruction) {
    if (address % static_cast<u64>(size) != 0) {
        fail(*this, "misaligned", address, size, instruction);
    }
    const bool is_allowed = std::any_of(machine.regions.begin(), machine.regions.end(), [&](const Region& region) {
        return (region.is_writable || !writes) && region.holds(address, size);
    });
    if (!is_allowed) {
        fail(*this, "out of bounds", address, size, instruction);
    }
#if defined(PTX_COUNT)
    machine.counts.access(*this, address, size, instruction);
#endif
    return reinterpret_cast<u8*>(address);
}

u8* Thread::shared(u64 address, int size, bool writes, int instruction) {
    if (address % static_cast<u64>(size) != 0) {
        fail(*this, "misaligned", address, size, instruction);
    }
    if (address + static_cast<u64>(size) > machine.traces.size()) {
        fail(*this, "out of bounds of shared memory", address, size, instruction);
    }
    for (u64 byte = address; byte < address + static_cast<u64>(size); ++byte) {
        Trace& trace = machine.traces[byte];
        if (trace.writer != kNobody && trace.writer != index) {
            fail(*this, "race with a write by thread " + std::to_string(trace.writer), address, size, instruction);
        }
        if (writes) {
            if (trace.reader != kNobody && trace.reader != index) {
                fail(*this, "race with a read", address, size, instruction);
            }
            trace.writer = index;
            trace.is_written = true;
        } else {
            if (!trace.is_written) {
                fail(*this, "read before any write", address, size, instruction);
            }
            trace.reader = trace.reader == kNobody || trace.reader == index ? index : kSeveral;
        }
    }
    return machine.shared + address;
}

void Thread::barrier() { swapcontext(&context, &machine.scheduler); }

void launch(const std::string& kernel, const aernet::Grid& grid, const aernet::Grid& block, const void* parameters,
            std::vector<Region> regions) {
    machine.fault.clear();
    machine.entry = find(kernel);
    machine.parameters = static_cast<const u8*>(parameters);
    machine.regions = std::move(regions);
    const auto dimensions = [](const aernet::Grid& counts) {
        return Dimensions{static_cast<u32>(counts.x), static_cast<u32>(counts.y), static_cast<u32>(counts.z)};
    };
    const Dimensions blocks = dimensions(grid);
    for (u32 z = 0; z < blocks.z; ++z) {
        for (u32 y = 0; y < blocks.y; ++y) {
            for (u32 x = 0; x < blocks.x && machine.fault.empty(); ++x) {
                run_block(threads_of({x, y, z}, blocks, dimensions(block)));
            }
        }
    }
}

}  // namespace ptx

extern "C" {

void set_thread_order(ptx::Order order) { ptx::machine.order = order; }

// Empty after a launch without a fault.
const char* last_fault() { return ptx::machine.fault.c_str(); }

// Warp instructions and sectors of device memory, since the library was loaded.
void counts(ptx::u64* instructions, ptx::u64* sectors) {
    *instructions = ptx::machine.counts.instructions;
    *sectors = ptx::machine.counts.sectors;
}
}
