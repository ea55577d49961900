# The role in a source account that the exporter assumes to find the account's Redshift clusters, to log in to them, and to record how
# they are encrypted. It can read no data and change nothing by itself; what it sees on a cluster is granted there (deploy/redshift/grants.sql).
data "aws_caller_identity" "current" {}

locals {
  iam = "${path.module}/../../../iam"

  values = {
    AccountId         = data.aws_caller_identity.current.account_id
    DatabaseUser      = var.database_user
    ExporterRoleArn   = var.exporter_role_arn
    MaintainerRoleArn = var.maintainer_role_arn
    ExternalId        = var.external_id
    OrganizationId    = var.organization_id
  }

  trust = jsondecode(templatefile("${local.iam}/trust-collector.json", local.values))
  # Without an organisation there is none to ask for.
  left_out = var.organization_id == "" ? "aws:PrincipalOrgID" : ""
}

resource "aws_iam_role" "collector" {
  name                 = var.role_name
  description          = "lookback finds this account's Redshift clusters and logs in to them."
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = local.trust.Version
    Statement = [for s in local.trust.Statement : merge(s, {
      Condition = { for operator, keys in s.Condition : operator => { for k, v in keys : k => v if k != local.left_out } }
    })]
  })
}

resource "aws_iam_role_policy" "collector" {
  name   = "collector"
  role   = aws_iam_role.collector.name
  policy = templatefile("${local.iam}/collector.json", local.values)
}
