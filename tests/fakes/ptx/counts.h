// What the warps of a launch do: instructions, and sectors of device memory.
#pragma once

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "machine.h"

namespace ptx {

constexpr int kWarp = 32;
constexpr u64 kSector = 32;  // bytes, the least that travels between a multiprocessor and memory

class Counts {
   public:
    u64 instructions = 0;
    u64 sectors = 0;

    // The lanes of a warp that run one instruction for the same time are taken to run it together.
    void access(const Thread& thread, u64 address, int size, int instruction) {
        auto& touched =
            requests_[{thread.index / kWarp, instruction, thread.counts[static_cast<std::size_t>(instruction)]}];
        for (u64 sector = address / kSector; sector <= (address + static_cast<u64>(size) - 1) / kSector; ++sector) {
            touched.insert(sector);
        }
    }

    void end_block(const std::vector<Thread>& threads) {
        for (const auto& request : requests_) {
            sectors += request.second.size();
        }
        requests_.clear();
        for (std::size_t first = 0; first < threads.size(); first += kWarp) {
            for (std::size_t instruction = 0; instruction < threads[first].counts.size(); ++instruction) {
                u32 most = 0;
                for (std::size_t lane = first; lane < std::min(first + kWarp, threads.size()); ++lane) {
                    most = std::max(most, threads[lane].counts[instruction]);
                }
                instructions += most;
            }
        }
    }

   private:
    std::map<std::tuple<int, int, u32>, std::set<u64>> requests_;
};

}  // namespace ptx
