"""The codes of DICOM objects: SNOMED CT (SCT), DICOM's own (DCM), and units (UCUM)."""

from __future__ import annotations

from highdicom.sr import CodedConcept
from pydicom.sr.coding import Code

ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
SKIN_LESION = Code("95324001", "SCT", "Skin lesion")

AREA = Code("42798000", "SCT", "Area")
LONG_AXIS = Code("103339001", "SCT", "Long axis")
SHORT_AXIS = Code("103340004", "SCT", "Short axis")
PERIMETER = Code("131191004", "SCT", "Perimeter")

REPORT = Code("126000", "DCM", "Imaging Measurement Report")
DERMOSCOPY = Code("446078004", "SCT", "Dermoscopic photography")
DEVICE = CodedConcept("121007", "DCM", "Device")
ARTIFICIAL_INTELLIGENCE = Code("123109", "DCM", "Artificial Intelligence")

MILLIMETRE = Code("mm", "UCUM", "mm")
SQUARE_MILLIMETRE = Code("mm2", "UCUM", "mm2")
# PS3.16, 7.2.2: what is counted stands in braces, and is the meaning too.
PIXELS = Code("{pixels}", "UCUM", "pixels")
