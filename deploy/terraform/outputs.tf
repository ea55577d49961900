output "lake_location" {
  description = "For lake.location"
  value       = "s3://${var.lake_bucket}/${var.lake_prefix}"
}

output "key_arn" {
  description = "For lake.kms_key"
  value       = aws_kms_key.lake.arn
}

output "state_table_name" {
  description = "For state.dynamodb_table"
  value       = aws_dynamodb_table.state.name
}

output "exporter_role_arn" {
  description = "For exporter_role_arn of modules/collector-role"
  value       = aws_iam_role.exporter.arn
}

output "maintainer_role_arn" {
  description = "For maintainer_role_arn of modules/collector-role"
  value       = aws_iam_role.maintainer.arn
}

output "reader_role_arn" {
  description = "Who asks the lake assumes this role"
  value       = one(aws_iam_role.reader[*].arn)
}

output "security_group_id" {
  description = "What the clusters' security groups have to let in"
  value       = aws_security_group.tasks.id
}

output "put_parameters" {
  description = "For each cluster, by a principal that does not administer the key; the password is read from a file, so that no shell history has it"
  value = [
    for name, value in {
      connection = "HOST:${var.cluster_port}/DATABASE"
      user       = var.database_user
      password   = "file://password.txt"
    } :
    "aws ssm put-parameter --region ${local.region} --type SecureString --key-id ${aws_kms_key.lake.arn} --name ${var.parameter_prefix}.CLUSTER.${name} --value ${value}"
  ]
}
