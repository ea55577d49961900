"""What `lookback audit --format asff` writes, against AWS's own description of BatchImportFindings (the service model in botocore).

The calls are those of a snapshot of the tests of Rust, which fail if it is not what is written. botocore itself checks names, types and what
is required; patterns, enums and lengths it leaves to the service, so they are checked here. Lengths are only in the model's
documentation, as "Maximum length of 512".
"""

import json
import os
import re
import unittest

import botocore.session
from botocore.validate import ParamValidator

SNAPSHOT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)),
    "../../../query/src/audit/format/snapshots/lookback_query__audit__format__tests__asff_calls.snap",
)
MODEL = botocore.session.Session().get_service_model("securityhub")
REQUEST = MODEL.operation_model("BatchImportFindings").input_shape
LONGEST = re.compile(r"Maximum(?: length)? of (\d+)(?: in length)?\b(?! item)")
MOST = re.compile(r"Maximum number of (\d+) items?")
MAP = re.compile(r"up to (\d+) key-value pairs.*?key can contain up to (\d+) characters.*?value can contain up to (\d+) characters", re.S)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def calls():
    with open(SNAPSHOT, encoding="utf-8") as file:
        return [json.loads(line) for line in file.read().split("\n---\n", 1)[1].splitlines() if line]


def wrong(shape, value, place):
    """What is not as the model says, besides what botocore checks."""
    said = re.sub("<[^>]+>", "", shape.documentation or "")
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from wrong(shape.members[name], inner, f"{place}.{name}")
    elif shape.type_name == "list":
        most = [int(number) for number in MOST.findall(said)]
        if most and len(value) > most[0]:
            yield f"{place} has {len(value)} entries of {most[0]}"
        for number, inner in enumerate(value):
            yield from wrong(shape.member, inner, f"{place}[{number}]")
    elif shape.type_name == "map":
        for pairs, key, longest in MAP.findall(said):
            if len(value) > int(pairs):
                yield f"{place} has {len(value)} pairs of {pairs}"
            for name, inner in value.items():
                if len(name) > int(key) or len(inner) > int(longest):
                    yield f"{place}.{name} is too long"
        for name, inner in value.items():
            yield from wrong(shape.key, name, f"{place}: {name}")
            yield from wrong(shape.value, inner, f"{place}.{name}")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{place} is {value!r}, none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{place} is {value!r}, not of the pattern {pattern}"
        longest = [int(number) for number in LONGEST.findall(said)]
        if longest and len(value) > longest[0]:
            yield f"{place} has {len(value)} characters of {longest[0]}"
        if place.endswith("At") and not TIME.fullmatch(value):
            yield f"{place} is {value!r}, no time"


def errors(call):
    report = ParamValidator().validate(call, REQUEST)
    found = [report.generate_report()] if report.has_errors() else []
    return found or list(wrong(REQUEST, call, "call"))


class Calls(unittest.TestCase):
    def test_calls_are_as_the_model_says(self):
        self.assertGreater(len(calls()), 2)
        for call in calls():
            self.assertEqual(errors(call), [])
            self.assertTrue(1 <= len(call["Findings"]) <= 100)

    def test_a_call_is_of_one_account_in_one_region(self):
        """Security Hub takes findings from the account that they are about, and its product is one of the region."""
        for call in calls():
            first = call["Findings"][0]
            for one in call["Findings"]:
                partition, account, region = one["ProductArn"].split(":")[1], one["AwsAccountId"], one["Region"]
                self.assertEqual(one["ProductArn"], f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default")
                self.assertRegex(account, r"^\d{12}$")
                self.assertEqual((account, region), (first["AwsAccountId"], first["Region"]))
                self.assertLessEqual(one["CreatedAt"], one["UpdatedAt"])
                self.assertLess(len(json.dumps(one).encode()), 240_000)

    def test_all_there_is_to_say_is_said(self):
        findings = [one for call in calls() for one in call["Findings"]]
        self.assertEqual({one["Compliance"]["Status"] for one in findings}, {"PASSED", "FAILED", "WARNING", "NOT_AVAILABLE"})
        self.assertEqual({one["Workflow"]["Status"] for one in findings}, {"NEW", "SUPPRESSED"})
        self.assertEqual(len({one["Id"] for one in findings}), len(findings))

    def test_what_is_wrong_is_noticed(self):
        def changed(change):
            call = json.loads(json.dumps(calls()[0]))
            change(call["Findings"][0])
            return errors(call)

        self.assertTrue(changed(lambda one: one.pop("Title")))
        self.assertTrue(changed(lambda one: one.update(Title="a" * 257)))
        self.assertTrue(changed(lambda one: one.update(Description=" ")))
        self.assertTrue(changed(lambda one: one.update(Description="a\nb")))
        self.assertTrue(changed(lambda one: one.update(Severity={"Label": "BAD"})))
        self.assertTrue(changed(lambda one: one.update(UpdatedAt="2026-01-01 00:00:00")))
        self.assertTrue(changed(lambda one: one["ProductFields"].update(more="a" * 2049)))
        self.assertTrue(changed(lambda one: one["Resources"][0].update(Partition="aws-iso")))
        self.assertTrue(changed(lambda one: one["Resources"][0].update(More="x")))


if __name__ == "__main__":
    unittest.main()
