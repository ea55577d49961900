variable "name" {
  description = "What the names of roles, tasks, log groups and the key's alias begin with."
  type        = string
  default     = "lookback"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Lower-case letters, digits and '-', 2 to 31 characters, a letter first."
  }
}

variable "lake_bucket" {
  description = "Name of the bucket to create for the lake."
  type        = string
}

variable "lake_prefix" {
  description = "Folder of the lake in the bucket, without slashes at either end."
  type        = string
  default     = "lake"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", var.lake_prefix))
    error_message = "Letters, digits, '_' and '-', with '/' between parts only."
  }
}

variable "access_log_bucket" {
  description = "Bucket for the access logs of the lake's bucket. Empty for none."
  type        = string
  default     = ""
}

variable "noncurrent_days" {
  description = "Days that overwritten and deleted objects can be brought back."
  type        = number
  default     = 30
}

variable "cluster_key_arns" {
  description = "ARNs of further keys, for clusters that have a kms_key of their own. Their policies are yours; key-policy.json is a start."
  type        = list(string)
  default     = []
}

variable "state_table" {
  description = "Name of the DynamoDB table to create for watermarks and leases."
  type        = string
  default     = "lookback-state"
}

variable "parameter_prefix" {
  description = "What the names of the parameters begin with."
  type        = string
  default     = "redshift_query_logs"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.parameter_prefix))
    error_message = "Letters, digits, '_' and '-'."
  }
}

variable "enabled_clusters" {
  description = "Names of the clusters to export."
  type        = list(string)

  validation {
    condition     = length(var.enabled_clusters) > 0
    error_message = "At least one: a StringList cannot be empty."
  }
}

variable "secret_prefix" {
  description = "What the names of secrets with clusters' passwords begin with. redshift! for those that Redshift manages."
  type        = string
  default     = "lookback/"
}

variable "database_user" {
  description = "The user that lookback logs in as, for temporary credentials."
  type        = string
  default     = "lookback"
}

variable "administrator_arns" {
  description = "ARNs of the roles that administer the key. The role that applies this must be one of them; none may use the key."
  type        = list(string)

  validation {
    condition     = length(var.administrator_arns) > 0
    error_message = "At least one: the key could not be administered."
  }
}

variable "reader_principal_arns" {
  description = "ARNs of roles or users that may assume the reader role. Empty for no reader role."
  type        = list(string)
  default     = []
}

variable "organization_id" {
  description = "The organisation whose accounts hold collector roles. Empty if there is none; then collector_role_arns has to name each role in full."
  type        = string
  default     = ""
}

variable "collector_role_arns" {
  description = "ARNs, or patterns of them, of the roles in source accounts."
  type        = list(string)
  default     = ["arn:aws:iam::*:role/lookback-collector"]
}

variable "image_uri" {
  description = "Image of lookback, with a tag or a digest."
  type        = string
}

variable "image_repository" {
  description = "Name of the repository that the image is pulled from."
  type        = string
  default     = "lookback"
}

variable "vpc_id" {
  description = "The VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to AWS (NAT or VPC endpoints) and to the clusters."
  type        = list(string)
}

variable "cluster_cidr" {
  description = "Where the clusters are."
  type        = string
  default     = "10.0.0.0/8"
}

variable "cluster_port" {
  description = "The clusters' port."
  type        = number
  default     = 5439
}

variable "schedule_expression" {
  description = "When to export."
  type        = string
  default     = "rate(15 minutes)"
}

variable "maintain_expression" {
  description = "When to maintain, in UTC. Sweeps of a day are due from 01:00."
  type        = string
  default     = "cron(30 3 * * ? *)"
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 2048
}

variable "log_retention_days" {
  description = "Days that the tasks' logs are kept."
  type        = number
  default     = 365
}

variable "alarm_email" {
  description = "Who is told of failed runs and of runs that stay away. Empty for no alarms."
  type        = string
  default     = ""
}
