"""Answers, held against AWS's model before they leave.

moto writes what the model names and silently drops the rest: a misspelt member would be an absent one. Here it is an error.
"""

import functools

import botocore.session
from moto.core.responses import ActionResult
from moto.core.exceptions import ServiceException


class Refused(ServiceException):
    """An error of AWS. moto takes the service of its own by their modules' names, of ours by the request."""


class NotInTheModel(Exception):
    """One of our answers has what AWS's has not."""


@functools.cache
def model(service):
    return botocore.session.get_session().get_service_model(service)


def check(shape, value, where):
    """Refuses members that the shape does not have."""
    if shape is None:
        if value:
            raise NotInTheModel(f"{where} has no answer in the model")
    elif shape.type_name == "structure":
        for name, part in value.items():
            if name not in shape.members:
                raise NotInTheModel(f"{where} has {name}, which AWS does not have")
            check(shape.members[name], part, f"{where}.{name}")
    elif shape.type_name == "list":
        for part in value:
            check(shape.member, part, f"{where}[]")


def present(value):
    """Without the members that have no value: AWS leaves them out."""
    if isinstance(value, dict):
        return {name: present(part) for name, part in value.items() if part is not None}
    return [present(part) for part in value] if isinstance(value, (list, tuple)) else value


def answer(response, result):
    """The answer of an operation, to be written as its protocol says."""
    operation = response._get_action()
    result = present(result)
    check(model(response.boto3_service_name).operation_model(operation).output_shape, result, operation)
    return ActionResult(result)


def fail(code, message):
    return Refused(code, message)
