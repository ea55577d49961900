"""Hardware security modules: what names them. What would open them is not kept."""

from moto.redshift.models import RedshiftBackend
from moto.redshift.responses import RedshiftResponse

from answers import answer, fail
from redshift_lists import page_of, tagged

# By kind: the list's member, the identifier's, and what creation takes besides it.
CONFIGURATION = ("HsmConfiguration", ("Description", "HsmIpAddress", "HsmPartitionName"))
CERTIFICATE = ("HsmClientCertificate", ())


def initialize(self, *args, **kwargs):
    base_initialize(self, *args, **kwargs)
    self.hsm = {"HsmConfiguration": {}, "HsmClientCertificate": {}}


def describe(self, kind):
    held, name = self.redshift_backend.hsm[kind], self._get_param(f"{kind}Identifier")
    if name and name not in held:
        raise fail(f"{kind}NotFoundFault", f"{kind} {name} not found.")
    items = [held[name]] if name else list(held.values())
    items = tagged(self, items, lambda item: item["Tags"])
    page, following = page_of(self, items, lambda item: item[f"{kind}Identifier"])
    return answer(self, {f"{kind}s": page, "Marker": following})


def create(self, kind, members):
    held, name = self.redshift_backend.hsm[kind], self._get_param(f"{kind}Identifier")
    if name in held:
        raise fail(f"{kind}AlreadyExistsFault", f"{kind} {name} already exists.")
    held[name] = {
        f"{kind}Identifier": name,
        **{member: self._get_param(member) for member in members},
        "Tags": self._get_param("Tags") or [],
    }
    if kind == "HsmClientCertificate":
        held[name]["HsmClientCertificatePublicKey"] = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----"
    return answer(self, {kind: held[name]})


def delete(self, kind):
    if self.redshift_backend.hsm[kind].pop(self._get_param(f"{kind}Identifier"), None) is None:
        raise fail(f"{kind}NotFoundFault", f"{kind} not found.")
    return answer(self, {})


base_initialize = RedshiftBackend.__init__
RedshiftBackend.__init__ = initialize
RedshiftResponse.describe_hsm_configurations = lambda self: describe(self, CONFIGURATION[0])
RedshiftResponse.describe_hsm_client_certificates = lambda self: describe(self, CERTIFICATE[0])
RedshiftResponse.create_hsm_configuration = lambda self: create(self, *CONFIGURATION)
RedshiftResponse.create_hsm_client_certificate = lambda self: create(self, *CERTIFICATE)
RedshiftResponse.delete_hsm_configuration = lambda self: delete(self, CONFIGURATION[0])
RedshiftResponse.delete_hsm_client_certificate = lambda self: delete(self, CERTIFICATE[0])
