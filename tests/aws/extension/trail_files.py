"""Files as a trail delivers them to a bucket: `{"Records": [...]}`, packed."""

import gzip
import json

from moto.s3.models import s3_backends

from places import of


def put(request):
    """Puts a file into a bucket. `cut` leaves the second half of it away, as a delivery that broke off would."""
    account, _ = of(request)
    body = gzip.compress(json.dumps({"Records": request["records"]}).encode())
    if request.get("cut"):
        body = body[: len(body) // 2]
    s3_backends[account]["aws"].put_object(request["bucket"], request["key"], body)
    return {"bytes": len(body)}
