resource "aws_dynamodb_table" "state" {
  name                        = var.state_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "cluster_id"
  range_key                   = "table_name"
  deletion_protection_enabled = true

  attribute {
    name = "cluster_id"
    type = "S"
  }

  attribute {
    name = "table_name"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.lake.arn
  }

  lifecycle {
    prevent_destroy = true
  }
}
