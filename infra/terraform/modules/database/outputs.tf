output "address" {
  description = "Host name of the database."
  value       = aws_db_instance.this.address
}

output "identifier" {
  description = "Name of the instance, as commands and metrics want it."
  value       = aws_db_instance.this.identifier
}

output "master_secret_arn" {
  description = "Secret in which RDS keeps the administrator's name and password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "port" {
  description = "Port of the database."
  value       = aws_db_instance.this.port
}
