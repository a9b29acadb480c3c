"""How it moves: one Faust app a stage. A handler takes an event and returns events; `stage` decides what becomes of a failure."""
