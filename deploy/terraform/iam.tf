locals {
  exporter_policy   = jsondecode(templatefile("${local.iam}/exporter.json", local.values))
  maintainer_policy = jsondecode(templatefile("${local.iam}/maintainer.json", local.values))
  # Without an organisation there is none to ask for.
  left_out = var.organization_id == "" ? { AssumeCollectors = "Condition" } : {}
}

resource "aws_iam_role" "exporter" {
  name               = "${var.name}-exporter"
  description        = "Reads the clusters' logs and writes the lake. Deletes nothing."
  assume_role_policy = templatefile("${local.iam}/trust-tasks.json", local.names)
}

resource "aws_iam_role" "maintainer" {
  name               = "${var.name}-maintainer"
  description        = "Sweeps, compacts and vacuums the lake. The only one that deletes."
  assume_role_policy = templatefile("${local.iam}/trust-tasks.json", local.names)
}

resource "aws_iam_role" "reader" {
  count = local.has_reader ? 1 : 0

  name               = "${var.name}-reader"
  description        = "Reads the lake."
  assume_role_policy = templatefile("${local.iam}/trust-reader.json", local.names)
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "Pulls the image and writes the logs of the tasks."
  assume_role_policy = templatefile("${local.iam}/trust-tasks.json", local.names)
}

resource "aws_iam_role" "scheduler" {
  name               = "${var.name}-scheduler"
  description        = "Starts the tasks."
  assume_role_policy = templatefile("${local.iam}/trust-scheduler.json", local.names)
}

resource "aws_iam_role_policy" "exporter" {
  name = "exporter"
  role = aws_iam_role.exporter.name

  policy = jsonencode({
    Version   = local.exporter_policy.Version
    Statement = [for s in local.exporter_policy.Statement : { for k, v in s : k => v if lookup(local.left_out, s.Sid, "") != k }]
  })
}

resource "aws_iam_role_policy" "maintainer" {
  name = "maintainer"
  role = aws_iam_role.maintainer.name

  policy = jsonencode({
    Version   = local.maintainer_policy.Version
    Statement = [for s in local.maintainer_policy.Statement : { for k, v in s : k => v if lookup(local.left_out, s.Sid, "") != k }]
  })
}

resource "aws_iam_role_policy" "reader" {
  count = local.has_reader ? 1 : 0

  name   = "reader"
  role   = aws_iam_role.reader[0].name
  policy = templatefile("${local.iam}/reader.json", local.values)
}

resource "aws_iam_role_policy" "execution" {
  name   = "execution"
  role   = aws_iam_role.execution.name
  policy = templatefile("${local.iam}/execution.json", local.names)
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "scheduler"
  role   = aws_iam_role.scheduler.name
  policy = templatefile("${local.iam}/scheduler.json", local.names)
}
