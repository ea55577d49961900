output "role_arn" {
  description = "assume_role of this account's clusters"
  value       = aws_iam_role.collector.arn
}
