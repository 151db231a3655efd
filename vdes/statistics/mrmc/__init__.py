"""Statistics of reader studies: several readers, several modalities, the same cases (MRMC)."""
