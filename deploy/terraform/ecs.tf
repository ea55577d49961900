locals {
  tasks = {
    export   = { command = ["export", "--once", "--log-format", "json"], role = aws_iam_role.exporter.arn }
    maintain = { command = ["maintain", "--log-format", "json"], role = aws_iam_role.maintainer.arn }
  }

  environment = {
    LOOKBACK_AWS__REGION           = local.region
    LOOKBACK_LAKE__LOCATION        = "s3://${var.lake_bucket}/${var.lake_prefix}"
    LOOKBACK_LAKE__KMS_KEY         = aws_kms_key.lake.arn
    LOOKBACK_STATE__DYNAMODB_TABLE = var.state_table
    LOOKBACK_SSM__PREFIX           = var.parameter_prefix
  }
}

resource "aws_cloudwatch_log_group" "tasks" {
  name              = "/${var.name}/tasks"
  kms_key_id        = aws_kms_key.lake.arn
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_cluster" "lookback" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_security_group" "tasks" {
  #checkov:skip=CKV2_AWS_5:The schedules give it to the tasks that they start; the check does not know schedules.
  name        = "${var.name}-tasks"
  description = "lookback tasks, out to AWS and to the clusters, nothing in"
  vpc_id      = var.vpc_id

  egress {
    description = "AWS"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description = "Redshift"
    protocol    = "tcp"
    from_port   = var.cluster_port
    to_port     = var.cluster_port
    cidr_blocks = [var.cluster_cidr]
  }
}

resource "aws_ecs_task_definition" "task" {
  for_each = local.tasks

  family                   = "${var.name}-${each.key}"
  cpu                      = var.cpu
  memory                   = var.memory
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = each.value.role

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name                   = "lookback"
    image                  = var.image_uri
    command                = each.value.command
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    privileged             = false
    stopTimeout            = 35
    linuxParameters        = { initProcessEnabled = false, capabilities = { drop = ["ALL"] } }
    environment            = [for k, v in local.environment : { name = k, value = v }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.tasks.name
        awslogs-region        = local.region
        awslogs-stream-prefix = each.key
      }
    }
  }])

  depends_on = [aws_iam_role_policy.exporter, aws_iam_role_policy.maintainer]
}
