"""A folder of DICOM studies as a datalist."""
