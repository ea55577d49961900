"""Holds an answer's bytes against AWS's own description of the service, strictly: what botocore reads leniently is looked at here.

Every member must be in the model's shape, of its type, with values among its enumeration; required ones must be there; nothing is null.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

from botocore.utils import parse_timestamp

NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# Any service may answer these; its operations do not list them.
COMMON = {
    "query": {
        "AccessDenied",
        "Throttling",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "MissingParameter",
        "InternalFailure",
        "ServiceUnavailable",
        "ValidationError",
    },
    "json": {"AccessDeniedException", "ThrottlingException", "ValidationException", "InternalFailure", "ServiceUnavailable"},
}


def protocol(model):
    return "query" if model.metadata["protocol"] == "query" else "json"


def problems(model, operation, body):
    """What is wrong with the body of an answer; nothing, if nothing is."""
    shape = model.operation_model(operation).output_shape
    if protocol(model) == "query":
        root = ElementTree.fromstring(body)
        if local(root) != f"{operation}Response":
            return [f"the answer is named {local(root)}"]
        results = [child for child in root if local(child) == f"{operation}Result"]
        others = [local(child) for child in root if local(child) not in (f"{operation}Result", "ResponseMetadata")]
        found = [f"{operation} has {name} beside its result" for name in others]
        if shape is None:
            return found + [f"{operation} has a result" for _ in results if len(results[0])]
        return found + (of_xml(shape, results[0], operation) if results else [f"{operation} has no result"])
    value = json.loads(body or b"{}")
    if shape is None:
        return [f"{operation} has an answer"] if value else []
    return of_json(shape, value, operation)


def error_problems(model, operation, status, body):
    """What is wrong with an error: its code has to be the operation's, or one that every service has, with the status of the model."""
    if protocol(model) == "query":
        error = {local(c): c.text for e in ElementTree.fromstring(body).iter() if local(e) == "Error" for c in e}
        code, message = error.get("Code"), error.get("Message")
    else:
        error = json.loads(body)
        code, message = error.get("__type", "").rsplit("#", 1)[-1], error.get("message", error.get("Message"))
    known = {}
    for shape in model.operation_model(operation).error_shapes:
        known[shape.metadata.get("error", {}).get("code", shape.name)] = shape
    found = [] if message else [f"{operation}: {code} says nothing"]
    if code in known:
        wanted = known[code].metadata.get("error", {}).get("httpStatusCode", 400)
        return found + ([f"{operation}: {code} comes with {status}, not {wanted}"] if status != wanted else [])
    if code in COMMON[protocol(model)]:
        return found
    return found + [f"{operation} has no error {code}"]


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def of_json(shape, value, where):
    kind = shape.type_name
    if value is None:
        return [f"{where} is null"]
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, not an object"]
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        found = [f"{where} has {name}, which AWS does not have" for name in value if name not in members]
        found += [f"{where} lacks {name}" for name in shape.required_members if name not in value]
        return found + [p for n in value if n in members for p in of_json(members[n], value[n], f"{where}.{n}")]
    if kind == "list":
        if not isinstance(value, list):
            return [f"{where} is {value!r}, not a list"]
        return [p for n, part in enumerate(value) for p in of_json(shape.member, part, f"{where}[{n}]")]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, not a map"]
        return [p for n, part in value.items() for p in of_json(shape.value, part, f"{where}[{n}]")]
    if kind == "timestamp":
        if shape.serialization.get("timestampFormat") == "iso8601":
            good = isinstance(value, str) and ISO.fullmatch(value)
        else:
            good = isinstance(value, (int, float)) and not isinstance(value, bool)
        return plausible(value, where) if good else [f"{where} is {value!r}, not a time"]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{where} is {value!r}, not a boolean"]
    if kind in NUMBERS:
        good = isinstance(value, NUMBERS[kind]) and not isinstance(value, bool)
        return [] if good else [f"{where} is {value!r}, not a {kind}"]
    return of_text(shape, value, where) if isinstance(value, str) else [f"{where} is {value!r}, not text"]


def of_xml(shape, element, where):
    kind = shape.type_name
    if kind == "structure":
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        names = [local(child) for child in element]
        found = [f"{where} has {name}, which AWS does not have" for name in names if name not in members]
        found += [f"{where} has {name} twice" for name in set(names) if names.count(name) > 1]
        found += [f"{where} lacks {name}" for name in shape.required_members if name not in names]
        if (element.text or "").strip():
            found.append(f"{where} is text, not a structure")
        for child in element:
            if local(child) in members:
                found += of_xml(members[local(child)], child, f"{where}.{local(child)}")
        return found
    if kind == "list":
        item, found = shape.member.serialization.get("name", "member"), []
        for n, child in enumerate(element):
            if local(child) != item:
                found.append(f"{where}[{n}] is named {local(child)}, not {item}")
            found += of_xml(shape.member, child, f"{where}[{n}]")
        return found
    if len(element):
        return [f"{where} has elements, it is a {kind}"]
    text = element.text or ""
    if kind == "boolean":
        return [] if text in ("true", "false") else [f"{where} is {text!r}, not a boolean"]
    if kind in NUMBERS:
        pattern = r"-?\d+" if NUMBERS[kind] is int else r"-?\d+(\.\d+)?"
        return [] if re.fullmatch(pattern, text) else [f"{where} is {text!r}, not a {kind}"]
    if kind == "timestamp":
        return plausible(text, where) if ISO.fullmatch(text) else [f"{where} is {text!r}, not a time"]
    return of_text(shape, text, where)


def plausible(value, where):
    """Milliseconds taken for seconds are a time as well, but none that anything here has."""
    try:
        good = 2012 <= parse_timestamp(value).year <= 2100
    except ValueError:
        good = False
    return [] if good else [f"{where} is {value!r}, a time of nothing here"]


def of_text(shape, value, where):
    enum = getattr(shape, "enum", None)
    found = [f"{where} is {value!r}, none of {enum}"] if enum and value not in enum else []
    pattern = shape.metadata.get("pattern")
    if pattern and re.search(r"\\p\{", pattern) is None and re.fullmatch(pattern, value) is None:
        found.append(f"{where} is {value!r}, which does not match {pattern}")
    longest = shape.metadata.get("max")
    return found + ([f"{where} is longer than {longest}"] if longest and len(value) > longest else [])
