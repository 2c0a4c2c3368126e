import numpy as np
import numpy.typing as npt

__version__: str

def preprocess(
    frame: npt.NDArray[np.uint8],
    size: int = 256,
    colour: str = "bgr",
    *,
    out: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]: ...
def mask_from_probability(
    probability: npt.NDArray[np.float32],
    height: int,
    width: int,
    threshold: float = 0.5,
) -> npt.NDArray[np.uint8]: ...
def set_num_threads(count: int) -> None: ...
def get_num_threads() -> int: ...
