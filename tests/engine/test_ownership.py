from __future__ import annotations

import os
import pwd

import pytest

from aernet.engine.ownership import changeable_by_others

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX has such modes")


@pytest.fixture
def engine(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "engines" / "a.engine"
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    return path


def test_what_only_the_user_may_change(engine):
    assert changeable_by_others(engine) is None


def test_a_file_that_all_may_change(engine):
    engine.chmod(0o646)
    assert changeable_by_others(engine) == engine


def test_a_folder_that_all_may_change(engine):
    engine.parent.chmod(0o757)
    assert changeable_by_others(engine) == engine.parent


def test_a_folder_further_up(engine, tmp_path):
    tmp_path.chmod(0o777)
    assert changeable_by_others(engine) == tmp_path


def test_in_a_folder_with_the_sticky_bit_others_change_only_what_is_theirs(engine, tmp_path):
    tmp_path.chmod(0o1777)
    assert changeable_by_others(engine) is None
    engine.parent.chmod(0o757)
    assert changeable_by_others(engine) == engine.parent


def test_what_a_link_leads_to_counts(engine, tmp_path):
    (tmp_path / "link.engine").symlink_to(engine)
    engine.chmod(0o666)
    assert changeable_by_others(tmp_path / "link.engine") == engine


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_owners_and_groups(engine):
    nobody = pwd.getpwnam("nobody")
    os.chown(engine, nobody.pw_uid, 0)
    assert changeable_by_others(engine) == engine
    os.chown(engine, 0, nobody.pw_gid)
    assert changeable_by_others(engine) is None
    engine.chmod(0o664)
    assert changeable_by_others(engine) == engine
    os.chown(engine, 0, 0)  # root's own group
    assert changeable_by_others(engine) is None
