"""How each record looks in an answer: the elements, in the gateway's order."""
