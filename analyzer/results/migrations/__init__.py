"""Revisions of the schema, run by Alembic when a store is opened.

To add one: change ``tables.py``, then ``alembic -c analyzer/results/migrations/alembic.ini
-x url=sqlite:////tmp/new.db upgrade head``, the same with ``revision --autogenerate --rev-id 0002
-m "what changes"``, and read what came out.
"""
