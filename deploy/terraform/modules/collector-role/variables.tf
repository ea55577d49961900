variable "role_name" {
  description = "Name of the role; collector_role_arns of the lake's module has to match it."
  type        = string
  default     = "lookback-collector"
}

variable "exporter_role_arn" {
  description = "Output exporter_role_arn of the lake's module."
  type        = string
}

variable "maintainer_role_arn" {
  description = "Output maintainer_role_arn of the lake's module. Maintenance reads whole days again."
  type        = string
}

variable "external_id" {
  description = "A random text; external_id of the account's clusters."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/-]{16,1000}$", var.external_id))
    error_message = "16 to 1000 letters, digits and any of +=,.@:/-"
  }
}

variable "organization_id" {
  description = "The organisation of the exporter's account. Empty if there is none."
  type        = string
  default     = ""
}

variable "database_user" {
  description = "The user that lookback logs in as, for temporary credentials."
  type        = string
  default     = "lookback"
}
