"""The modules that programs may import; all others may change without notice."""

PUBLIC = (
    "aernet",
    "aernet.archive",
    "aernet.exchange",
    "aernet.measure",
    "aernet.scale",
    "aernet.video",
    "aernet.video.sinks",
    "aernet.viewer",
)
