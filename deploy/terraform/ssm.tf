# Each cluster's connection, user and password are put by hand (output put_parameters): what Terraform creates is also in its state file.
resource "aws_ssm_parameter" "s3_prefix" {
  #checkov:skip=CKV2_AWS_34:A name, no secret. Secrets are SecureStrings, put by hand.
  name        = "${var.parameter_prefix}.global.s3_prefix"
  description = "Where the lake is."
  type        = "String"
  value       = "s3://${var.lake_bucket}/${var.lake_prefix}"
}

resource "aws_ssm_parameter" "enabled_cluster_list" {
  #checkov:skip=CKV2_AWS_34:A name, no secret. Secrets are SecureStrings, put by hand.
  name        = "${var.parameter_prefix}.global.enabled_cluster_list"
  description = "The clusters that are exported."
  type        = "StringList"
  value       = join(",", var.enabled_clusters)
}
