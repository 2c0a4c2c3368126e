// An element of GStreamer that stands for NVIDIA's nvvidconv: NV12 in ordinary memory -> NV12 in memory:NVMM. As there,
// `bl-output` asks for block-linear surfaces; `color-format` is what these say of their colours.

#include <gst/gst.h>

#include <cstring>

#include "surfaces.h"

namespace {

struct Convert {
    GstElement element;
    GstPad* source;
    int width;
    int height;
    gboolean is_block_linear;
    int format;
};

struct ConvertClass {
    GstElementClass parent;
};

G_DEFINE_TYPE(Convert, convert, GST_TYPE_ELEMENT)

Convert* self_of(void* object) { return static_cast<Convert*>(object); }

enum Property { kBlockLinear = 1, kColorFormat };

void set_property(GObject* object, guint property, const GValue* value, GParamSpec*) {
    if (property == kBlockLinear) {
        self_of(object)->is_block_linear = g_value_get_boolean(value);
    } else {
        self_of(object)->format = g_value_get_int(value);
    }
}

void give_back(void* memory) {
    auto* surface = static_cast<NvBufSurface*>(memory);
    fake_nvmm::note("return", surface);
    fake_nvmm::destroy(surface);
}

GstFlowReturn convert_buffer(GstPad*, GstObject* parent, GstBuffer* buffer) {
    const auto* self = self_of(parent);
    const auto width = static_cast<std::uint32_t>(self->width);
    const auto height = static_cast<std::uint32_t>(self->height);
    const auto format = static_cast<NvBufSurfaceColorFormat>(self->format);
    auto* linear = fake_nvmm::make(width, height, format, NVBUF_LAYOUT_PITCH);
    GstMapInfo map{};
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    const auto& params = *linear->surfaceList;
    const auto* row = map.data;
    const std::uint32_t stride = (width + 3) / 4 * 4;  // of GStreamer, for both planes
    for (int plane = 0; plane < 2; ++plane) {
        auto* target = static_cast<std::uint8_t*>(params.dataPtr) + params.planeParams.offset[plane];
        for (std::uint32_t index = 0; index < params.planeParams.height[plane]; ++index, row += stride) {
            std::memcpy(target + index * params.planeParams.pitch[plane], row, params.planeParams.width[plane]);
        }
        row = map.data + stride * ((height + 1) / 2 * 2);
    }
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    auto* surface = linear;
    if (self->is_block_linear) {
        surface = fake_nvmm::make(width, height, format, NVBUF_LAYOUT_BLOCK_LINEAR);
        fake_nvmm::copy(linear, surface);
        fake_nvmm::destroy(linear);
    }
    surface->numFilled = 1;
    return gst_pad_push(self->source,
                        gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, surface, sizeof(NvBufSurface), 0,
                                                    sizeof(NvBufSurface), surface, &give_back));
}

gboolean convert_event(GstPad* pad, GstObject* parent, GstEvent* event) {
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) {
        return gst_pad_event_default(pad, parent, event);
    }
    auto* self = self_of(parent);
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    const auto* structure = gst_caps_get_structure(caps, 0);
    gst_structure_get_int(structure, "width", &self->width);
    gst_structure_get_int(structure, "height", &self->height);
    auto* converted = gst_caps_copy(caps);
    gst_event_unref(event);
    gst_caps_set_features(converted, 0, gst_caps_features_new("memory:NVMM", nullptr));
    const auto is_taken = gst_pad_push_event(self->source, gst_event_new_caps(converted));
    gst_caps_unref(converted);
    return is_taken;
}

constexpr auto kSinkCaps = "video/x-raw,format=NV12";
constexpr auto kSourceCaps = "video/x-raw(memory:NVMM),format=NV12";

GstPad* pad_of(Convert* self, const char* name) {
    auto* pad = gst_pad_new_from_template(
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(&self->element), name), name);
    gst_element_add_pad(&self->element, pad);
    return pad;
}

void convert_init(Convert* self) {
    self->source = pad_of(self, "src");
    auto* sink = pad_of(self, "sink");
    gst_pad_set_chain_function(sink, &convert_buffer);
    gst_pad_set_event_function(sink, &convert_event);
    self->is_block_linear = TRUE;
    self->format = NVBUF_COLOR_FORMAT_NV12;
}

void convert_class_init(ConvertClass* type) {
    auto* objects = G_OBJECT_CLASS(type);
    objects->set_property = &set_property;
    const auto writable = G_PARAM_WRITABLE;
    g_object_class_install_property(objects, kBlockLinear, g_param_spec_boolean("bl-output", "", "", TRUE, writable));
    g_object_class_install_property(objects, kColorFormat,
                                    g_param_spec_int("color-format", "", "", 0, 100, 0, writable));
    auto* elements = GST_ELEMENT_CLASS(type);
    gst_element_class_set_static_metadata(elements, "nvvidconv", "Filter", "NVIDIA's, without NVIDIA", "aernet");
    const auto add = [elements](const char* name, GstPadDirection direction, const char* text) {
        auto* caps = gst_caps_from_string(text);
        gst_element_class_add_pad_template(elements, gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps));
        gst_caps_unref(caps);
    };
    add("sink", GST_PAD_SINK, kSinkCaps);
    add("src", GST_PAD_SRC, kSourceCaps);
}

}  // namespace

// Makes the element known to this process.
extern "C" void fake_nvmm_register() {
    gst_init(nullptr, nullptr);
    gst_element_register(nullptr, "nvvidconv", GST_RANK_NONE, convert_get_type());
}
