"""What every process needs: settings, errors, metrics, telemetry and the clients of Kafka, PostgreSQL, S3, SQS and SageMaker."""
