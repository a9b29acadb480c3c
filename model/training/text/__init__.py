"""Training the text model and judging it: MELD and GoEmotions in, a file that ONNX Runtime runs and its card out."""
