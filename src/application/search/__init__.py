"""Use cases of the search: the index, the query, the page of hits."""
