// Runs kernels block by block and thread by thread, with barriers, and checks each access to memory.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <string>
#include <vector>

#include "arithmetic.h"
#include "core/grid.h"

namespace ptx {

struct Dimensions {
    u32 x;
    u32 y;
    u32 z;
};

// Rows of `row_bytes` that a kernel may read or also write, in `count` pictures.
struct Region {
    const void* data;
    std::ptrdiff_t row_bytes;
    std::ptrdiff_t pitch;
    std::ptrdiff_t rows;
    std::ptrdiff_t stride;
    int count;
    bool is_writable;

    bool holds(u64 address, int size) const;
};

class Thread {
   public:
    Dimensions tid;
    Dimensions ntid;
    Dimensions ctaid;
    Dimensions nctaid;
    int index;  // in its block
    bool is_done = false;
    ucontext_t context;
    std::vector<u32> counts;  // how often each instruction has run

    // Where an access leads, of `size` bytes by an instruction; a faulty one ends the launch.
    u8* global(u64 address, int size, bool writes, int instruction);
    u8* shared(u64 address, int size, bool writes, int instruction);
    void barrier();
};

struct Entry {
    const char* name;
    void (*run)(Thread& thread, const u8* parameters);
    int shared_bytes;
    std::vector<const char*> opcodes;  // of its instructions
};

extern const std::vector<Entry> entries;

// Runs the kernel of a readable name, as "mask_kernel<float>", up to the first fault.
void launch(const std::string& kernel, const aernet::Grid& grid, const aernet::Grid& block, const void* parameters,
            std::vector<Region> regions);

#if defined(PTX_COUNT)
#define COUNT(instruction) ++thread.counts[instruction]
#else
#define COUNT(instruction)
#endif

}  // namespace ptx
