"""What Alembic runs: in the transaction that `contract.library.database` has begun, on its connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
