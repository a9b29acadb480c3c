"""What SageMaker runs: media in, words, utterances and what is felt in each of them out."""
