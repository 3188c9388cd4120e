"""Stands in for the hosts that a browser meets beside the gateway's API: pages and scripts that a shop's page loads."""
