"""A stand-in for the AWS provider of Terraform: its schema, and nothing of AWS.

Terraform's core does most of what a plan proves: names, types, references, counts, expressions.
For that it needs the provider's schema and somebody who answers its calls. This package is that
somebody. README.md says what it proves and what it cannot.
"""
