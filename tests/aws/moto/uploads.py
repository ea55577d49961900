"""What moto's S3 forgets: a multipart upload that asks for the bucket key makes an object that uses it, and AWS says so each time;
and what the answer about a bucket's versions is called.

Importing it changes moto.
"""

import re

from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

HEADER = "x-amz-server-side-encryption-bucket-key-enabled"


def complete_multipart_upload(self, bucket_name, multipart_id, body):
    upload = self.get_bucket(bucket_name).multiparts[multipart_id]
    key = moto_complete(self, bucket_name, multipart_id, body)
    asked = getattr(upload, "bucket_key_enabled", None)
    if key is not None and asked is not None:
        key.bucket_key_enabled = asked
    return key


def key_response_post(self, request, body, bucket_name, query, key_name):
    status, headers, answer = moto_post(self, request, body, bucket_name, query, key_name)
    asked = None
    if status == 200 and "uploads" in query:
        asked = request.headers.get(HEADER)
        text = answer.decode() if isinstance(answer, bytes) else answer
        upload = re.search("<UploadId>(.*?)</UploadId>", text)[1]
        self.backend.get_bucket(bucket_name).multiparts[upload].bucket_key_enabled = asked
    elif status == 200 and query.get("uploadId"):
        asked = self.backend.get_object(bucket_name, key_name).response_dict.get(HEADER)
    if asked is not None:
        headers[HEADER] = asked.lower()
    return status, headers, answer


def get_bucket_versioning(self):
    status, headers, answer = moto_versioning(self)
    text = answer.decode() if isinstance(answer, bytes) else answer
    return status, headers, text.replace("GetBucketVersioningResponse", "VersioningConfiguration")


moto_versioning = S3Response.get_bucket_versioning
moto_complete = S3Backend.complete_multipart_upload
moto_post = S3Response._key_response_post

S3Backend.complete_multipart_upload = complete_multipart_upload
S3Response._key_response_post = key_response_post
S3Response.get_bucket_versioning = get_bucket_versioning
