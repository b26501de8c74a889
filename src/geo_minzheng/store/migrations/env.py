"""Run the migrations on the connection that the store hands in; it owns the transaction."""

from alembic import context

from geo_minzheng.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
