"""An index for the purge of processed gateway webhooks."""

from adapters.persistence.migrations import online

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    online.create_index(
        "ix_webhook_notifications_finished", "webhook_notifications", ["finish_time"], where="state = 'done'"
    )
