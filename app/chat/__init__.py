"""One answer of the model: from upstream bytes to frames on the wire."""
