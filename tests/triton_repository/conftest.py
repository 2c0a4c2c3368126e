from __future__ import annotations

import pytest
from engine import models


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    return models.write_network(tmp_path_factory.mktemp("network") / "darker.onnx")
