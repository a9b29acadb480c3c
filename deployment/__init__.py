"""The endpoint on SageMaker: its archive, its resources on AWS, its training, what it does and what it costs."""
