terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = "us-west-1"
}

module "secrets" {
  source = "../../"

  prefix = "example-poc"
  secrets = {
    "gateway/master-key" = { description = "The key that may administer the gateway" }
  }
}

output "arns" {
  description = "What services refer to."
  value       = module.secrets.arns
}

output "names" {
  description = "What commands name."
  value       = module.secrets.names
}
