"""Makes calls and prints what AWS answers to each, as a JSON array of error codes, or `ok`: usage: calls.py ENDPOINT CALLS

CALLS is a JSON array of [service, operation, arguments], as boto3 names them. Region and credentials come from the environment.
"""

import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(endpoint, calls):
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    codes = []
    for service, operation, arguments in json.loads(calls):
        client = boto3.client(service, endpoint_url=endpoint, region_name=os.environ["AWS_REGION"], config=config)
        try:
            getattr(client, operation)(**arguments)
            codes.append("ok")
        except ClientError as e:
            codes.append(e.response["Error"]["Code"])
    json.dump(codes, sys.stdout)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
