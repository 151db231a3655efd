"""The real-vs-virtual study: the classifier as its yardstick, and the images that go into it."""
