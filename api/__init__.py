"""Who asks: the HTTP API. Routes, keys, live status, and the wiring of it all in `app.py`."""
