output "names" {
  description = "Full name of each alarm by its short one."
  value       = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.alarm_name }
}

output "topic_arn" {
  description = "Topic that tells the people."
  value       = aws_sns_topic.this.arn
}
