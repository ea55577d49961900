locals {
  schedules = {
    export   = { expression = var.schedule_expression, description = "Reads what is new on the clusters.", age = 600 }
    maintain = { expression = var.maintain_expression, description = "Sweeps, compacts and cleans up.", age = 3600 }
  }
}

resource "aws_scheduler_schedule" "task" {
  #checkov:skip=CKV_AWS_297:A schedule holds names of tasks and networks only, and is encrypted with a key of AWS.
  for_each = local.schedules

  name                         = "${var.name}-${each.key}"
  description                  = each.value.description
  schedule_expression          = each.value.expression
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_ecs_cluster.lookback.arn
    role_arn = aws_iam_role.scheduler.arn

    retry_policy {
      maximum_retry_attempts       = 2
      maximum_event_age_in_seconds = each.value.age
    }

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.task[each.key].arn
      launch_type         = "FARGATE"
      task_count          = 1

      network_configuration {
        assign_public_ip = false
        security_groups  = [aws_security_group.tasks.id]
        subnets          = var.subnet_ids
      }
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}
