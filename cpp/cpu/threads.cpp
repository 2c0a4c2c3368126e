#include "cpu/threads.h"

#include <algorithm>
#include <atomic>
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

namespace aernet {

namespace {

using Body = std::function<void(std::ptrdiff_t begin, std::ptrdiff_t end)>;

// Many for each thread, so that one that comes late or is held up does fewer of them.
constexpr std::ptrdiff_t kChunksPerThread = 8;

std::atomic<int> num_threads{std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};

// One call of split(), on the stack of its caller.
class Job {
   public:
    Job(const Body& body, std::ptrdiff_t count, std::ptrdiff_t threads)
        : body_(body), count_(count), chunks_(std::min(count, threads * kChunksPerThread)), places(threads - 1) {}

    // Takes chunks until none is left.
    void work() {
        try {
            for (auto chunk = next_++; chunk < chunks_; chunk = next_++) {
                body_(count_ * chunk / chunks_, count_ * (chunk + 1) / chunks_);
            }
        } catch (...) {
            next_ = chunks_;
            if (!has_failed_.exchange(true)) {
                error_ = std::current_exception();
            }
        }
    }

    // Throws what the first failing chunk threw; for the caller, once all others have left.
    void check() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

   private:
    const Body& body_;
    std::ptrdiff_t count_;
    std::ptrdiff_t chunks_;
    std::atomic<std::ptrdiff_t> next_{0};
    std::atomic<bool> has_failed_{false};
    std::exception_ptr error_;

   public:
    // Of the pool, under its lock.
    std::ptrdiff_t places;       // for workers that have not come yet
    std::ptrdiff_t workers = 0;  // that are on it
};

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
            jobs_.push_back(&job);
        }
        for (std::ptrdiff_t place = 0; place < places; ++place) {
            has_work_.notify_one();
        }
        job.work();
        std::unique_lock lock(mutex_);
        jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), &job), jobs_.end());
        is_left_.wait(lock, [&job] { return job.workers == 0; });
    }

   private:
    void start_workers(std::ptrdiff_t count) {
        try {
            for (; workers_ < count; ++workers_) {
                std::thread([this] { serve(); }).detach();
            }
        } catch (const std::system_error&) {  // The system grants no more threads, and the caller does the work.
        }
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
            job.work();
            lock.lock();
            if (--job.workers == 0) {
                is_left_.notify_all();
            }
        }
    }

    static void lock_before_fork();
    static void unlock_in_parent();
    static void restart_in_child();

    std::mutex mutex_;
    std::condition_variable has_work_;
    std::condition_variable is_left_;
    std::vector<Job*> jobs_;  // that have places
    std::ptrdiff_t workers_ = 0;
};

// Never destroyed: workers may wait on it until the process ends.
Pool& pool = *new Pool;

void Pool::lock_before_fork() { pool.mutex_.lock(); }

void Pool::unlock_in_parent() { pool.mutex_.unlock(); }

// The workers and other callers are in the parent alone, and a condition variable still counts those who wait.
void Pool::restart_in_child() {
    new (&pool.has_work_) std::condition_variable;
    new (&pool.is_left_) std::condition_variable;
    pool.jobs_.clear();
    pool.workers_ = 0;
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
    Job job(body, count, threads);
    pool.run(job);
    job.check();
}

}  // namespace aernet
