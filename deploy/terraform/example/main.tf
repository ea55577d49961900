# One lake in the home account, clusters there and in one more account. Copy this folder, and set the names.
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "sales"
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/terraform"
  }
}

variable "image_uri" {
  description = "Image of lookback in your registry."
  type        = string
}

variable "external_id" {
  description = "A random text of at least 16 characters."
  type        = string
  sensitive   = true
}

module "lookback" {
  source = "../"

  lake_bucket        = "example-redshift-logs"
  administrator_arns = ["arn:aws:iam::111111111111:role/terraform", "arn:aws:iam::111111111111:role/key-administrator"]
  organization_id    = "o-exampleorg1"
  enabled_clusters   = ["etl", "dashboards"]
  image_uri          = var.image_uri
  vpc_id             = "vpc-00000000000000000"
  subnet_ids         = ["subnet-00000000000000000", "subnet-11111111111111111"]
  alarm_email        = "data-platform@example.com"
}

module "collector_of_sales" {
  source = "../modules/collector-role"

  providers = {
    aws = aws.sales
  }

  exporter_role_arn   = module.lookback.exporter_role_arn
  maintainer_role_arn = module.lookback.maintainer_role_arn
  external_id         = var.external_id
  organization_id     = "o-exampleorg1"
}

output "put_parameters" {
  description = "What to run for each cluster."
  value       = module.lookback.put_parameters
}
