#include "nvmm/capture.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "nvmm/surfaces.h"

namespace aernet::nvmm {

namespace {

constexpr auto kSink = "aernet";
constexpr auto kWanted = "video/x-raw(memory:NVMM), format=NV12";
constexpr GstClockTime kLook = 100 * GST_MSECOND;  // at the bus, where errors arrive, while there is no frame

template <class Object, auto function>
using Owned = std::unique_ptr<Object, By<function>>;
using Text = Owned<gchar, g_free>;
using SampleReference = Owned<GstSample, gst_sample_unref>;

std::string taken(GError* error) {
    const Owned<GError, g_error_free> owned(error);
    std::string text = owned ? owned->message : "it gives no reason";
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

// A sample with its buffer mapped, which in memory:NVMM gives the surface.
class Sample {
   public:
    explicit Sample(SampleReference sample) : sample_(std::move(sample)) {
        const auto* caps = gst_sample_get_caps(sample_.get());
        const auto* format = caps ? gst_structure_get_string(gst_caps_get_structure(caps, 0), "format") : nullptr;
        const bool is_nvmm =
            caps && gst_caps_features_contains(gst_caps_get_features(caps, 0), "memory:NVMM") && format;
        if (!is_nvmm || std::string(format) != "NV12") {
            const Text found(caps ? gst_caps_to_string(caps) : g_strdup("nothing"));
            throw CaptureError(std::string("expected ") + kWanted + ", found " + found.get() +
                               "; end the pipeline with '! nvvidconv ! video/x-raw(memory:NVMM),format=NV12'");
        }
        const auto* colorimetry = gst_structure_get_string(gst_caps_get_structure(caps, 0), "colorimetry");
        colorimetry_ = colorimetry ? colorimetry : "";
        if (!gst_buffer_map(gst_sample_get_buffer(sample_.get()), &map_, GST_MAP_READ)) {
            throw CaptureError("GStreamer does not map a buffer");
        }
        if (map_.size < sizeof(NvBufSurface) || surface()->numFilled < 1) {
            unmap();
            throw CaptureError("expected an NvBufSurface in a buffer of memory:NVMM, found none");
        }
    }
    ~Sample() { unmap(); }
    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;

    NvBufSurface* surface() const { return reinterpret_cast<NvBufSurface*>(map_.data); }
    const std::string& colorimetry() const { return colorimetry_; }

   private:
    void unmap() { gst_buffer_unmap(gst_sample_get_buffer(sample_.get()), &map_); }

    SampleReference sample_;
    GstMapInfo map_{};
    std::string colorimetry_;
};

}  // namespace

// The pipeline itself.
class Stream {
   public:
    explicit Stream(std::vector<std::string> words) {
        GError* error = nullptr;
        if (!gst_init_check(nullptr, nullptr, &error)) {
            throw CaptureError("GStreamer cannot be used: " + taken(error));
        }
        for (const auto* word : {"!", "appsink", "max-buffers=1", "sync=false", "enable-last-sample=false"}) {
            words.emplace_back(word);
        }
        words.push_back(std::string("name=") + kSink);
        std::vector<const gchar*> texts;
        for (const auto& word : words) {
            texts.push_back(word.c_str());
        }
        texts.push_back(nullptr);
        auto* made = gst_parse_launchv_full(texts.data(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
        if (!made) {
            throw CaptureError(taken(error));
        }
        pipeline_.reset(GST_ELEMENT(gst_object_ref_sink(made)));
        bus_.reset(gst_element_get_bus(made));
        sink_.reset(gst_bin_get_by_name(GST_BIN(made), kSink));
        const auto paused = gst_element_set_state(made, GST_STATE_PAUSED);
        live_ = paused == GST_STATE_CHANGE_NO_PREROLL;
        if (paused == GST_STATE_CHANGE_FAILURE ||
            gst_element_set_state(made, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
            const auto reason = failure();
            stop();
            throw CaptureError(reason.value_or("cannot be started"));
        }
    }
    ~Stream() { stop(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // The next sample; none where a pipeline that is not live has ended.
    SampleReference pull(double seconds) const {
        auto left = static_cast<GstClockTime>(seconds * static_cast<double>(GST_SECOND));
        while (true) {
            const auto wait = std::min(left, kLook);
            SampleReference sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), wait));
            if (const auto reason = failure()) {
                throw CaptureError(*reason);
            }
            if (sample) {
                return sample;
            }
            if (gst_app_sink_is_eos(GST_APP_SINK(sink_.get()))) {
                if (live_) {
                    throw CaptureError("has ended");
                }
                return nullptr;
            }
            left -= wait;
            if (left == 0) {
                std::ostringstream text;
                text << "gave no frame for " << seconds << " seconds";
                throw CaptureError(text.str());
            }
        }
    }

    void stop() const { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

   private:
    // What an element has said went wrong.
    std::optional<std::string> failure() const {
        const Owned<GstMessage, gst_message_unref> message(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR));
        if (!message) {
            return std::nullopt;
        }
        GError* error = nullptr;
        gst_message_parse_error(message.get(), &error, nullptr);
        return taken(error);
    }

    Owned<GstElement, gst_object_unref> pipeline_;
    Owned<GstBus, gst_object_unref> bus_;
    Owned<GstElement, gst_object_unref> sink_;
    bool live_ = false;  // a camera's pipeline is, a file's is not
};

Capture::Capture(const std::vector<std::string>& pipeline)
    : stream_(std::make_unique<Stream>(pipeline)), surfaces_(std::make_shared<Surfaces>()) {}

Capture::~Capture() = default;

std::optional<Frame> Capture::pull(double seconds) {
    auto pulled = stream_->pull(seconds);
    if (!pulled) {
        return std::nullopt;
    }
    const auto sample = std::make_shared<Sample>(std::move(pulled));
    auto frame = surfaces_->frame(sample->surface(), sample);
    if (!sample->colorimetry().empty()) {
        frame.colorimetry = sample->colorimetry();
    }
    return frame;
}

void Capture::stop() { stream_->stop(); }

}  // namespace aernet::nvmm
