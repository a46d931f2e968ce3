import os

from alembic import context
from sqlalchemy import create_engine, text

import app

config = context.config
tenant = context.get_x_argument(as_dictionary=True).get('tenant')


def run_migrations_online():
    engine = create_engine(f'mysql+pymysql://tenants@db/{tenant}') if tenant else app.engine
    with engine.connect() as connection:
        connection.execute(text('CREATE SCHEMA IF NOT EXISTS shop'))
        context.configure(connection=connection, target_metadata=app.metadata)
        with context.begin_transaction():
            context.run_migrations()


def run_migrations_offline():
    raise SystemExit('no SQL is printed here')


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
