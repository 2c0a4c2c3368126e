#include "cpu/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif

namespace aernet {

namespace {

using Body = std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>;

// Many for each thread, so that one that comes late or is held up does fewer of them.
constexpr std::ptrdiff_t kChunksPerThread = 8;

// How long a caller stays awake for the others' last chunks: to sleep and be woken takes about as long.
constexpr auto kSpin = std::chrono::microseconds(50);

std::atomic<int> num_threads{std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};

// One call of split(), on the stack of its caller.
struct Job {
    const Body& body;
    std::ptrdiff_t count;
    std::ptrdiff_t chunks;
    std::ptrdiff_t places;  // for workers that have not come yet; under the pool's lock
    std::atomic<std::ptrdiff_t> next{0};
    std::atomic<std::ptrdiff_t> workers{0};  // that are on it
    std::atomic<bool> has_failed{false};
    std::exception_ptr error{};  // of the first chunk that failed
};

// Takes chunks until none is left.
void work_on(Job& job) {
    try {
        for (auto chunk = job.next++; chunk < job.chunks; chunk = job.next++) {
            job.body(job.count * chunk / job.chunks, job.count * (chunk + 1) / job.chunks);
        }
    } catch (...) {
        job.next = job.chunks;
        if (!job.has_failed.exchange(true)) {
            job.error = std::current_exception();
        }
    }
}

// Waits for kSpin at most, and says whether the condition holds then.
template <class Condition>
bool spin(const Condition& holds) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
    }
    return true;
}

// Threads that start when they are first needed, and then sleep from job to job for as long as the process lives.
class Pool {
   public:
    Pool() {
#ifndef _WIN32
        pthread_atfork(lock_before_fork, unlock_in_parent, restart_in_child);
#endif
    }

    void run(Job& job) {
        const auto places = job.places;
        {
            const std::lock_guard lock(mutex_);
            start_workers(places);
            keep_workers_off_this_processor();
            jobs_.push_back(&job);
        }
        for (std::ptrdiff_t place = 0; place < places; ++place) {
            has_work_.notify_one();
        }
        work_on(job);
        const auto have_left = [&job] { return job.workers == 0; };
        std::unique_lock lock(mutex_);
        jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), &job), jobs_.end());
        lock.unlock();
        if (!spin(have_left)) {
            lock.lock();
            have_left_.wait(lock, have_left);
        }
    }

   private:
    void start_workers(std::ptrdiff_t count) {
        try {
            workers_.reserve(static_cast<std::size_t>(count));
            while (workers_.size() < static_cast<std::size_t>(count)) {
                std::thread worker([this] { serve(); });
                workers_.push_back(worker.native_handle());
                worker.detach();
                avoided_ = -1;
            }
        } catch (const std::system_error&) {  // The system grants no more threads, and the caller does the work.
        }
    }

    // The kernel of a virtual machine may mistake an idle processor for one that the host has taken away. It would then
    // wake the workers on the caller's processor, where they only take turns with the caller.
    void keep_workers_off_this_processor() {
#ifdef __linux__
        const int here = sched_getcpu();
        cpu_set_t others;
        if (here == avoided_ || sched_getaffinity(0, sizeof others, &others) != 0 || here < 0) {
            return;
        }
        CPU_CLR(static_cast<std::size_t>(here), &others);
        for (const auto worker : workers_) {
            pthread_setaffinity_np(worker, sizeof others, &others);  // fails, and changes nothing, if there is no other
        }
        avoided_ = here;
#endif
    }

    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            has_work_.wait(lock, [this] { return !jobs_.empty(); });
            Job& job = *jobs_.front();
            if (--job.places == 0) {
                jobs_.erase(jobs_.begin());
            }
            ++job.workers;
            lock.unlock();
            work_on(job);
            lock.lock();
            if (--job.workers == 0) {
                have_left_.notify_all();
            }
        }
    }

    static void lock_before_fork();
    static void unlock_in_parent();
    static void restart_in_child();

    std::mutex mutex_;
    std::condition_variable has_work_;
    std::condition_variable have_left_;
    std::vector<Job*> jobs_;  // that have places
    std::vector<std::thread::native_handle_type> workers_;
    int avoided_ = -1;  // processor that the workers keep off
};

// Never destroyed: workers may wait on it until the process ends.
Pool& pool = *new Pool;

void Pool::lock_before_fork() { pool.mutex_.lock(); }

void Pool::unlock_in_parent() { pool.mutex_.unlock(); }

// The workers and other callers are in the parent alone, and a condition variable still counts those who wait.
void Pool::restart_in_child() {
    new (&pool.has_work_) std::condition_variable;
    new (&pool.have_left_) std::condition_variable;
    pool.jobs_.clear();
    pool.workers_.clear();
    pool.mutex_.unlock();
}

}  // namespace

void set_num_threads(int count) { num_threads = count; }

int get_num_threads() { return num_threads; }

void split(std::ptrdiff_t count, std::ptrdiff_t work, std::ptrdiff_t work_per_thread, const Body& body) {
    const auto most = std::min<std::ptrdiff_t>(num_threads, count);
    const auto threads = std::clamp<std::ptrdiff_t>(work / work_per_thread, 1, most);
    if (threads == 1) {
        body(0, count);
        return;
    }
    Job job{body, count, std::min(count, threads * kChunksPerThread), threads - 1};
    pool.run(job);
    if (job.error) {
        std::rethrow_exception(job.error);
    }
}

}  // namespace aernet
