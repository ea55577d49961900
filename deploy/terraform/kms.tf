locals {
  key_policy = jsondecode(templatefile("${local.iam}/key-policy.json", local.names))
}

resource "aws_kms_key" "lake" {
  description             = "${var.name}, the lake and its state"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version   = local.key_policy.Version
    Statement = [for s in local.key_policy.Statement : s if local.has_reader || s.Sid != "ReadLake"]
  })

  # A policy that names a role which does not exist is refused.
  depends_on = [aws_iam_role.exporter, aws_iam_role.maintainer, aws_iam_role.reader]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "lake" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.lake.key_id
}
