"""AER-Net and the paper's ablations as torch modules."""

from aernet.network.networks import Architecture, SegmentationNetwork, aernet, build_network, unet

__all__ = ["Architecture", "SegmentationNetwork", "aernet", "build_network", "unet"]
