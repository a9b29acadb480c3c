"""Who starts it: what turns something that happened elsewhere into events on Kafka."""
