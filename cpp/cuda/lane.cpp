#include "cuda/lane.h"

#include <stdexcept>

#include "cuda/preprocess.h"

namespace aernet {

Lane::Lane(std::shared_ptr<const Device> device, int size, int batch, Element image, Element probability)
    : memory_(std::make_shared<StreamMemory>(std::move(device))),
      size_(size),
      batch_(static_cast<std::size_t>(batch)),
      image_element_(image),
      probability_element_(probability),
      image_(memory_->device(), Memory::kDevice, batch_ * image_bytes()),
      probability_(memory_->device(), Memory::kDevice, batch_ * probability_bytes()),
      upload_(memory_->device(), memory_->stream()) {}

Lane::~Lane() {
    clean_up(*device(), [this] { cudaStreamSynchronize(stream()); });
}

void Lane::wait() {
    wait_for(device(), stream(), "waiting for a batch");
    frames_.clear();
    borrowed_.clear();
}

void Lane::require_room() const {
    if (frames_.size() == batch_) {
        throw std::out_of_range("the lane is full");
    }
}

void Lane::put(const Image& image, std::shared_ptr<const void> frame, const Event* copied) {
    require_room();
    const CurrentDevice current(*device());
    const auto [uploaded, is_borrowed] = upload_.bring(image);
    if (is_borrowed) {
        borrowed_.push_back(frame);
    }
    preprocess(uploaded, std::move(frame), copied);
    upload_.finish();
}

void Lane::put(const Image& image, std::shared_ptr<const void> frame, const Event* copied,
               std::initializer_list<const Event*> ready) {
    require_room();
    const CurrentDevice current(*device());
    for (const auto* event : ready) {
        event->hold(stream(), "waiting for a frame");
    }
    borrowed_.push_back(frame);
    preprocess(image, std::move(frame), copied);
}

void Lane::preprocess(const Image& image, std::shared_ptr<const void> frame, const Event* copied) {
    if (copied) {
        copied->record(stream());
    }
    auto* target = image_.data() + frames_.size() * image_bytes();
    check(preprocess_on_device(image, 1, 0, size_, target, image_element_, stream()), "preprocessing a frame");
    frames_.push_back(std::move(frame));
}

void Lane::run(const Graph& graph) {
    const CurrentDevice current(*device());
    check(cudaGraphLaunch(graph.get(), stream()), "running the engine");
}

std::unique_ptr<Graph> Lane::capture(const std::function<void(cudaStream_t)>& enqueue) const {
    constexpr auto doing = "capturing the engine";
    const CurrentDevice current(*device());
    const Stream capturing(device());  // where nobody else queues anything
    check(cudaStreamBeginCapture(capturing.get(), cudaStreamCaptureModeThreadLocal), doing);
    cudaGraph_t captured = nullptr;
    try {
        enqueue(capturing.get());
    } catch (...) {
        cudaStreamEndCapture(capturing.get(), &captured);
        if (captured) {
            cudaGraphDestroy(captured);
        }
        cudaGetLastError();
        throw;
    }
    check(cudaStreamEndCapture(capturing.get(), &captured), doing);
    cudaGraphExec_t work = nullptr;
    std::size_t nodes = 0;
    auto status = cudaGraphGetNodes(captured, nullptr, &nodes);
    if (status == cudaSuccess) {
        // An empty graph would return the previous answer.
        status = nodes == 0 ? cudaErrorStreamCaptureUnsupported : cudaGraphInstantiate(&work, captured, 0);
    }
    cudaGraphDestroy(captured);
    check(status, doing);
    auto graph = std::make_unique<Graph>(device(), work);
    check(cudaGraphUpload(work, stream()), doing);
    return graph;
}

std::vector<Prediction> Lane::predictions() {
    std::vector<Prediction> predictions;
    for (auto& frame : std::exchange(frames_, {})) {
        const auto* output = probability_.data() + predictions.size() * probability_bytes();
        predictions.emplace_back(memory_, output, probability_element_, size_, std::move(frame));
        end_ = predictions.back().ready();
    }
    return predictions;
}

}  // namespace aernet
