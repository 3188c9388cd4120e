"""Advanced search: operators, queries over tables of criteria, and the two steps that page through the results."""
