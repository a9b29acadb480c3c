"""What is measured, and what is killed: `python -m benchmarks` and `python -m benchmarks.soak`, on the real servers of the local stack."""
