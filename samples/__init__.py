"""The clips that the demo and the tests speak of, what is said in them, and the tool that made them."""
