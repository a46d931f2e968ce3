"""An application that makes its tables when it is imported, as many do."""
import os

from sqlalchemy import Column, Integer, MetaData, Table, create_engine

print('the application is imported', end='')
metadata = MetaData()
Table('orders', metadata, Column('id', Integer, primary_key=True))
engine = create_engine(os.environ.get('DATABASE_URL', 'postgresql://app@127.0.0.1/app_dev'), connect_args={'host': '10.1.2.3', 'sslmode': 'require'})
metadata.create_all(bind=engine)
