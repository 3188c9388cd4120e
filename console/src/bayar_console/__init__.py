"""The web console of Bayar: search, payments, customers, disputes and the work that waits, for people with a browser.

It knows the service by its public client alone, and keeps no data of its own.
"""
