"""Prints what a bucket holds, as a JSON array: usage: objects.py ENDPOINT BUCKET

Asks with boto3, a client that is not ours, about every object by itself: a listing does not say how an object is encrypted.
Region and credentials come from the environment, if they are there.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

# Enough to keep a server on the same machine busy.
AT_ONCE = 4


def main(endpoint, bucket):
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "AKIALOOKBACKTESTS001"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=AT_ONCE),
    )

    def describe(entry):
        head = s3.head_object(Bucket=bucket, Key=entry["Key"], ChecksumMode="ENABLED")
        checksums = {name: value for name, value in head.items() if name.startswith("Checksum")}
        return {
            "key": entry["Key"],
            "size": head["ContentLength"],
            "sse": head.get("ServerSideEncryption"),
            "kms_key_id": head.get("SSEKMSKeyId"),
            "bucket_key": head.get("BucketKeyEnabled", False),
            "checksum": checksums,
        }

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    entries = [entry for page in pages for entry in page.get("Contents", [])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        json.dump(list(pool.map(describe, entries)), sys.stdout)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
