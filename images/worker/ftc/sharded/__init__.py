"""Data in shards: read on demand, from a folder or an S3 bucket, in an order that suits that. docs/data.md.

`ftc.ShardedDataset` is in dataset.py; `python3 -m ftc.sharded.index DIR` writes what makes a start quick and checksums known.
"""
