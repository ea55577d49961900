# A run that was left out because another holds the leases (exit code 4) is no failure.
locals {
  stopped = { clusterArn = [aws_ecs_cluster.lookback.arn], lastStatus = ["STOPPED"] }

  run_rules = local.has_alarms ? {
    failed-runs = {
      description = "A task that ended with another exit code than 0 or 4."
      detail      = jsonencode(merge(local.stopped, { containers = { exitCode = [{ anything-but = [0, 4] }] } }))
      target      = aws_sns_topic.alarms[0].arn
    }
    never-started = {
      description = "A task that could not be started."
      detail      = jsonencode(merge(local.stopped, { stopCode = ["TaskFailedToStart"] }))
      target      = aws_sns_topic.alarms[0].arn
    }
    successful-exports = {
      description = "An export that ended with exit code 0. The alarm counts how often this rule matches."
      detail = jsonencode(merge(local.stopped, {
        taskDefinitionArn = [{ prefix = "arn:aws:ecs:${local.region}:${local.account}:task-definition/${var.name}-export:" }]
        containers        = { exitCode = [0] }
      }))
      target = aws_cloudwatch_log_group.runs[0].arn
    }
  } : {}
}

resource "aws_sns_topic" "alarms" {
  count = local.has_alarms ? 1 : 0

  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.lake.arn
}

resource "aws_sns_topic_policy" "alarms" {
  count = local.has_alarms ? 1 : 0

  arn    = aws_sns_topic.alarms[0].arn
  policy = templatefile("${local.iam}/topic-policy.json", local.names)
}

resource "aws_sns_topic_subscription" "alarms" {
  count = local.has_alarms ? 1 : 0

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_log_group" "runs" {
  count = local.has_alarms ? 1 : 0

  name              = "/aws/events/${var.name}/runs"
  kms_key_id        = aws_kms_key.lake.arn
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_resource_policy" "runs" {
  count = local.has_alarms ? 1 : 0

  policy_name     = "${var.name}-runs"
  policy_document = templatefile("${local.iam}/run-log-policy.json", local.names)
}

resource "aws_cloudwatch_event_rule" "runs" {
  for_each = local.run_rules

  name        = "${var.name}-${each.key}"
  description = each.value.description

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail      = jsondecode(each.value.detail)
  })
}

resource "aws_cloudwatch_event_target" "runs" {
  for_each = local.run_rules

  rule = aws_cloudwatch_event_rule.runs[each.key].name
  arn  = each.value.target
}

resource "aws_cloudwatch_metric_alarm" "no_successful_export" {
  count = local.has_alarms ? 1 : 0

  alarm_name          = "${var.name}-no-successful-export"
  alarm_description   = "No export ended well within an hour. Rows are lost for good when a cluster purges them, two days after it wrote them."
  namespace           = "AWS/Events"
  metric_name         = "TriggeredRules"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.runs["successful-exports"].name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms[0].arn]
  ok_actions          = [aws_sns_topic.alarms[0].arn]
}
