"""The reader study: planned, read in a browser, analysed and reported."""
