from __future__ import annotations

import pytest
from odd_masks import MASKS


@pytest.fixture(params=MASKS.values(), ids=MASKS)
def mask(request):
    return request.param
