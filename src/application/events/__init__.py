"""The event feed (transactional outbox), and its delivery to endpoints."""
