"""The public data set CDD-CESM as a datalist."""
