"""Forks a process for each order that it reads, and tells when it ends; the fork runs the command line.

What the commands import is imported here, once, so that a run takes as long as its work.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import sys

import av  # noqa: F401
import cv2  # noqa: F401
import onnxruntime  # noqa: F401
import rich.live
import rich.progress  # noqa: F401

import aernet.archive
import aernet.cli
import aernet.cli.summary
import aernet.video
import aernet.viewer

WITH_TORCH = "--torch" in sys.argv
if WITH_TORCH:
    import torch

    import aernet.export
    import aernet.reproduction.reproduce
    import aernet.training.train
    from aernet.network import networks
    from aernet.reproduction import runs


def shrink_networks():
    """Put small networks in the place of the paper's."""
    networks.UNET_WIDTHS = (4, 8, 8, 16, 16)
    load = runs.load_settings
    changes = {"encoder": "mobilenetv3_small_050", "widths": [16, 8, 8, 8, 8]}
    runs.load_settings = lambda preset, **wanted: load(preset, **(changes | wanted))


def become(order):
    """Make this process, which was just forked, one that runs the command of an order."""
    os.setpgid(0, 0)
    os.chdir(order["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    told = os.open(order["told"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, file in ((0, nothing), (1, told), (2, told)):
        os.dup2(file, number)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    if WITH_TORCH:
        torch.set_num_threads(1)
    if order["small"]:
        shrink_networks()
    sys.argv = ["aernet-trt", *order["arguments"]]


signal.signal(signal.SIGINT, signal.SIG_DFL)  # as `aernet-trt` has it before it imports the package
gc.collect()
gc.freeze()
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        become(json.loads(line))
        break
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()

aernet.cli.main()
