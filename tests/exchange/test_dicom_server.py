"""Orthanc, on this machine alone, takes photographs, segmentations and reports, and gives them back."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_objects import example, photograph, stored
from ports import free_port

from aernet.exchange.dicom_seg import to_dicom_seg
from aernet.exchange.dicom_sr import to_dicom_sr

pydicom = pytest.importorskip("pydicom")
web_client = pytest.importorskip("dicomweb_client")

ORTHANC = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server(tmp_path):
    """Run a server of its own, with a folder of its own, and return a client of it."""
    if ORTHANC is None or not PLUGIN.exists():
        pytest.skip("needs Debian's orthanc and orthanc-dicomweb")
    port = free_port()
    settings = {
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "storage"),
        "HttpPort": port,
        "RemoteAccessAllowed": False,  # Orthanc 1.10 cannot listen on one address alone, but refuses others
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([ORTHANC, tmp_path / "orthanc.json"], stdout=log, stderr=log) as process,
    ):
        try:
            end = time.monotonic() + 120
            while not listens(port):
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.1)
            client = web_client.DICOMwebClient(f"http://127.0.0.1:{port}/dicom-web")
            yield client
            client._session.close()
        finally:
            process.terminate()


def test_what_is_stored_comes_back(server, tmp_path):
    mask = cv2.circle(np.zeros(example().shape[:2], np.uint8), (100, 90), 50, 255, -1)
    path = stored(photograph(example(), PixelSpacing=["0.02", "0.02"]), tmp_path / "x.dcm")
    made = [
        path.read_bytes(),
        to_dicom_seg(mask, path, "aernet", "1"),
        to_dicom_seg(mask, path, "aernet", "1", "LABELMAP"),
        to_dicom_sr(mask, path, "aernet", "1"),
    ]
    sent = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(content)) for content in made]
    server.store_instances(datasets=sent)
    study = sent[0].StudyInstanceUID
    found = server.search_for_instances(study_instance_uid=study)
    assert len(found) == len(sent)
    for data in sent:
        back = server.retrieve_instance(study, data.SeriesInstanceUID, data.SOPInstanceUID)
        assert back == data
        if "PixelData" in data:
            assert back.PixelData == data.PixelData
            np.testing.assert_array_equal(back.pixel_array, data.pixel_array)
    np.testing.assert_array_equal(sent[1].pixel_array.squeeze() > 0, mask > 0)
