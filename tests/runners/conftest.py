from __future__ import annotations

import pytest
from fakes.build import build_native, cuda_headers, cxx_compiler


@pytest.fixture(scope="session")
def fake_native(tmp_path_factory):
    """The device half of the extension over the fake CUDA runtime."""
    compiler, headers = cxx_compiler(), cuda_headers()
    if compiler is None or headers is None:
        pytest.skip("no C++ compiler, or no headers of CUDA")
    pytest.importorskip("pybind11")
    return build_native(tmp_path_factory.mktemp("native"), compiler, headers)
