"""Training voice, face and fusion: a folder in MELD's form in, a checkpoint for `VALENCE_MODEL_FUSION` out."""
