"""The manifests: valid for Kubernetes, restricted, and never two runs of one kind at once."""

import unittest
import warnings

import kubernetes_validate
import yaml

from support import DEPLOY

FOLDER = DEPLOY / "kubernetes"
# What is supported widely now; the validator ships the schemas.
VERSIONS = ["1.29", "1.32", "1.35"]


def documents():
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for document in yaml.safe_load_all(path.read_text()):
                yield path.name, document


def kind(name):
    return {d["metadata"]["name"]: d for _, d in documents() if d["kind"] == name}


class Kubernetes(unittest.TestCase):
    def test_manifests_are_valid(self):
        checked = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for version in VERSIONS:
                for file, document in documents():
                    with self.subTest(file=file, version=version):
                        kubernetes_validate.validate(document, version, strict=True)
                        checked += 1
        self.assertEqual(checked, 7 * len(VERSIONS))

    def test_everything_is_in_the_kustomization_and_the_namespace(self):
        kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
        files = {p.name for p in FOLDER.iterdir()} - {"kustomization.yaml"}
        self.assertEqual(set(kustomization["resources"]), files)
        for file, document in documents():
            if document["kind"] != "Namespace":
                self.assertEqual(document["metadata"]["namespace"], kustomization["namespace"], file)
        images = {i["name"] for i in kustomization["images"]}
        for job in kind("CronJob").values():
            self.assertIn(self.pod(job)["containers"][0]["image"].split(":")[0], images)

    def test_runs(self):
        jobs = kind("CronJob")
        self.assertEqual({n: j["spec"]["schedule"] for n, j in jobs.items()}, {"lookback-export": "*/15 * * * *", "lookback-maintain": "30 3 * * *"})
        for name, job in jobs.items():
            spec = job["spec"]
            self.assertEqual((spec["concurrencyPolicy"], spec["timeZone"]), ("Forbid", "Etc/UTC"), name)
            self.assertIn("startingDeadlineSeconds", spec)
            self.assertEqual(spec["jobTemplate"]["spec"]["backoffLimit"], 0)
            self.assertIn("activeDeadlineSeconds", spec["jobTemplate"]["spec"])
            self.assertEqual(self.pod(job)["restartPolicy"], "Never")

    def test_pods_are_restricted(self):
        for job in kind("CronJob").values():
            pod = self.pod(job)
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["runAsUser"], 65532)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            (container,) = pod["containers"]
            context = container["securityContext"]
            self.assertIs(context["readOnlyRootFilesystem"], True)
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            for kinds in ("requests", "limits"):
                self.assertLessEqual({"cpu", "memory"}, set(container["resources"][kinds]))
        self.assertEqual(kind("Namespace")["lookback"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted")

    def test_each_run_has_the_role_meant_for_it(self):
        accounts = kind("ServiceAccount")
        for job, account in [("lookback-export", "lookback-exporter"), ("lookback-maintain", "lookback-maintainer")]:
            self.assertEqual(self.pod(kind("CronJob")[job])["serviceAccountName"], account)
            role = accounts[account]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
            self.assertTrue(role.endswith(f":role/{account}"))

    def test_nothing_comes_in(self):
        (policy,) = kind("NetworkPolicy").values()
        self.assertEqual(policy["spec"]["policyTypes"], ["Ingress", "Egress"])
        self.assertNotIn("ingress", policy["spec"])
        labels = policy["spec"]["podSelector"]["matchLabels"]
        for job in kind("CronJob").values():
            found = job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
            self.assertLessEqual(labels.items(), found.items())

    def test_no_secret_is_in_a_manifest(self):
        self.assertEqual(kind("Secret"), {})

    def pod(self, job):
        return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]


if __name__ == "__main__":
    unittest.main()
