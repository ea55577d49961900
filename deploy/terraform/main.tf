# What the policies in ../iam are filled with. Roles are named, not referred to: the key's policy names the roles, their policies name
# the key.
data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  # The attribute was called name before version 6 of the provider, and id is the same in both.
  region     = data.aws_region.current.id
  iam        = "${path.module}/../iam"
  role       = "arn:aws:iam::${local.account}:role/${var.name}"
  has_reader = length(var.reader_principal_arns) > 0
  has_alarms = var.alarm_email != ""

  names = {
    AccountId           = local.account
    Region              = local.region
    Name                = var.name
    LakeBucket          = var.lake_bucket
    LakePrefix          = var.lake_prefix
    StateTable          = var.state_table
    ParameterPrefix     = var.parameter_prefix
    SecretPrefix        = var.secret_prefix
    DatabaseUser        = var.database_user
    ImageRepository     = var.image_repository
    OrganizationId      = var.organization_id
    ExporterRoleArn     = "${local.role}-exporter"
    MaintainerRoleArn   = "${local.role}-maintainer"
    ReaderRoleArn       = "${local.role}-reader"
    ExecutionRoleArn    = "${local.role}-execution"
    AdministratorArns   = join("\", \"", var.administrator_arns)
    CollectorRoleArns   = join("\", \"", var.collector_role_arns)
    ReaderPrincipalArns = join("\", \"", var.reader_principal_arns)
  }

  # A list takes the place of one text between quotes.
  values = merge(local.names, {
    KeyArn  = aws_kms_key.lake.arn
    KeyArns = join("\", \"", concat([aws_kms_key.lake.arn], var.cluster_key_arns))
  })
}
