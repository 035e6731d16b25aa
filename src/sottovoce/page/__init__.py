"""A web page on which people have a model listen to their recordings."""
