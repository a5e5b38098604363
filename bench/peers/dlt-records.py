"""Copies one table from one database into another: dlt's source sql_database into its destination postgres."""
import sys

import dlt
from dlt.sources.sql_database import sql_database

source, target, disposition = sys.argv[1:]
orders = sql_database(source, schema="public", table_names=["orders"])
if disposition == "merge":
    orders.orders.apply_hints(primary_key="id")
pipeline = dlt.pipeline(pipeline_name="orders", destination=dlt.destinations.postgres(target), dataset_name="mirror")
print(pipeline.run(orders, write_disposition=disposition))
