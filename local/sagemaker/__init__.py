"""A stand-in for SageMaker's asynchronous endpoint: `python -m local.sagemaker`. It keeps what it accepted and never deduplicates."""
