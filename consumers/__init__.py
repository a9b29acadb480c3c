"""Who listens last: what is done with events once the chain has made them."""
