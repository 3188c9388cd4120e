"""The XML of each record, with its elements in the gateway's order."""
