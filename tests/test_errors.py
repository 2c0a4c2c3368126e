from __future__ import annotations

import pickle

import pytest

from aernet import AernetError, FrameError, SourceError
from aernet.video.sources.videofile import DamagedVideoError


@pytest.mark.parametrize("kind", [AernetError, FrameError, SourceError])
def test_a_message_is_one_line_that_commands_no_terminal(kind):
    error = kind("a\nb\r\x1b[31mc\x9b\u2028: é is a letter")
    assert str(error) == r"a\nb\r\x1b[31mc\x9b\u2028: é is a letter"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_what_an_error_holds_beside_its_message_stays():
    assert DamagedVideoError("a\nb", [1, 2]).frames == [1, 2]
