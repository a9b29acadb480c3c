"""What flows: the contracts of Valence, importing nothing of ours.

Events and their topics, statuses, the envelope, the codec, the analysis document, the inference job and the database.
"""
