"""Makes calls and prints what AWS answers to each, as a JSON array: usage: ask.py ENDPOINT CALLS

CALLS is a JSON array of [service, operation, arguments], as boto3 names them; an answer that is an error is its code. Region and
credentials come from the environment.
"""

import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(endpoint, calls):
    config = Config(retries={"total_max_attempts": 1})
    answers = []
    for service, operation, arguments in json.loads(calls):
        client = boto3.client(service, endpoint_url=endpoint, region_name=os.environ["AWS_REGION"], config=config)
        try:
            answer = getattr(client, operation)(**arguments)
            answer.pop("ResponseMetadata", None)
            answers.append(answer)
        except ClientError as e:
            answers.append(e.response["Error"]["Code"])
    json.dump(answers, sys.stdout, default=str)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
